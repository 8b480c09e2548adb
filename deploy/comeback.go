package deploy

import (
	"context"
	"fmt"
	"time"
)

// comeBack takes the traffic back to the slice that was live before: the same cutover the other way round. It goes
// on even when verdigris is being stopped, since the release that is live has just failed.
func (r *run) comeBack(ctx context.Context, before Route) error {
	if before.Slice == "" {
		return nil // the first release ever: there is nothing to go back to
	}
	ctx = context.WithoutCancel(ctx)
	return r.phase(ctx, PhaseReturn, 0, func(ctx context.Context) (string, error) {
		if err := r.carryBack(ctx, before.Slice); err != nil {
			return "", err
		}
		r.fate = returned
		return fmt.Sprintf("%s (%s) is live again", before.Slice, before.Commit.Short()), nil
	})
}

// carryBack differs from carry in one thing: data that cannot be carried does not keep the traffic on a release
// that has failed. What was lost sight of is said in the deployment's failure.
func (r *run) carryBack(ctx context.Context, to Slice) error {
	transfer, err := r.bulkCopy(to.Other(), to, r.quietly(ctx))
	if transfer != nil {
		defer transfer.Close()
	}
	if err != nil {
		r.lost, transfer = err, nil
	}
	if transfer != nil {
		transfer = &bestEffort{Transfer: transfer, failed: func(err error) { r.lost = err }}
	}
	return r.move(ctx, transfer, to, Route{}, r.quietly(ctx)) // the release that failed is no way back
}

// quietly carries out steps under the roof of the running phase: they show as progress.
func (r *run) quietly(ctx context.Context) step {
	return func(p Phase, timeout time.Duration, do func(context.Context) (string, error)) error {
		detail, err := r.within(ctx, timeout, do)
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		r.progress(PhaseReturn, fmt.Sprintf("%s: %s", p, detail))
		return nil
	}
}

// bestEffort is a transfer whose last step reports failure instead of returning it.
type bestEffort struct {
	Transfer
	failed func(error)
}

// Settle settles, and lets the cutover go on whatever comes of it.
func (b *bestEffort) Settle(ctx context.Context) (CopyReport, error) {
	report, err := b.Transfer.Settle(ctx)
	if err != nil {
		b.failed(err)
	}
	return report, nil
}
