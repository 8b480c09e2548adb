package deploy

import (
	"context"
	"errors"
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
		return fmt.Sprintf("%s (%s) is live again", before.Slice, before.Commit.Short()), nil
	})
}

// carryBack differs from carry in one thing: neither data that cannot be carried nor a worker that cannot be stopped
// keeps the traffic on a release that has failed. What was lost sight of is said in the deployment's failure.
func (r *run) carryBack(ctx context.Context, to Slice) error {
	do, failed := r.quietly(ctx), to.Other()
	c := r.pickUp()
	defer r.putDown(ctx, c)
	if err := r.bulkCopy(c, failed, to, do); err != nil {
		r.leaveBehind(ctx, c, to, err)
	}
	if c.transfer != nil {
		c.transfer = &bestEffort{Transfer: c.transfer, failed: func(ctx context.Context, err error) { r.leaveBehind(ctx, c, to, err) }}
	}
	stopped, err := r.stopWorkers(failed, do)
	if err != nil {
		r.worker.log.Error("could not stop the workers of the release that failed", "deployment", r.d.ID, "slice", failed, "error", err)
	}
	if err := r.move(ctx, c, to, Route{}, do); err != nil { // the release that failed is no way back
		return errors.Join(err, r.restartWorkers(ctx, failed, stopped))
	}
	r.fate = returned
	r.turn(c, failed, do)
	return r.startWorkers(to, do)
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

// leaveBehind goes back without the data. What was written since the cutover is then on the slice that is being left
// only, and a mirror must not go over it. The slice that gets the traffic was fenced when it lost it.
func (r *run) leaveBehind(ctx context.Context, c *cargo, to Slice, why error) {
	r.lost = why
	r.stopMirroring(ctx) // first: a mirror that hangs lets its transfer wait
	r.drop(c)
	if err := r.openLive(ctx, to); err != nil {
		r.lost = fmt.Errorf("%w; %w", why, err)
	}
}

// bestEffort is a transfer whose last step reports failure instead of returning it.
type bestEffort struct {
	Transfer
	failed func(context.Context, error)
}

// Settle lets the cutover go on whatever comes of it. Requests wait, so it leaves them time for the route.
func (b *bestEffort) Settle(ctx context.Context) (CopyReport, error) {
	settling, cancel := half(ctx)
	defer cancel()
	report, err := b.Transfer.Settle(settling)
	if err != nil {
		mending, cancel := half(ctx)
		defer cancel()
		b.failed(mending, err)
	}
	return report, nil
}

// half leaves half of the time that ctx has left to what comes after.
func half(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, time.Until(deadline)/2)
}
