package redisync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"

	"verdigris/deploy"
)

// transfer is one movement of the selected keys. It satisfies deploy.Transfer.
type transfer struct {
	keys     selection
	from, to *server
	pairs    int
	log      *slog.Logger
	// payloads is whether the target takes the source's DUMP payloads. It does not when it is the older of the
	// two; keys are then rebuilt element by element.
	payloads atomic.Bool

	data *Data // for which no mirror may run meanwhile; nil for the transfer of a mirror
	// watch tells of writes to the source, from Settle on; unwatched says why it is nil then.
	watch     *conn
	unwatched error
	copied    bool // Copy has begun to go over the target
}

// Copy brings the selected keys over while traffic goes on, and removes on the target the selected keys that the
// source does not have; of a target that its app could write to, the values that differ are kept under names of our own
// first. What is written meanwhile may be missing: Settle is for that. If it fails, the source is
// as it was and each key of the target is either its old value or a whole new one.
//
// The total in the progress is of the keys found so far.
func (t *transfer) Copy(ctx context.Context, progress func(deploy.CopyProgress)) (deploy.CopyReport, error) {
	run := t.newPass(snapshotCopies{t})
	stop := run.tell(progress)
	defer stop()
	var kept *deploy.Kept
	var err error
	if !t.copied { // from then on the target has what the source had
		kept, err = run.keep(ctx)
		t.copied = err == nil
	}
	if t.data != nil {
		t.data.keeps(kept)
	}
	if err == nil {
		err = run.removeSurplus(ctx)
	}
	if err == nil {
		err = run.over(ctx, (*pair).copyBatch)
	}
	if err != nil {
		err = fmt.Errorf("copy keys: %w", err)
	}
	report := run.report()
	report.Kept = kept
	return report, hinted(err)
}

// Settle compares both sides completely and copies what differs; if anything did, it compares everything once
// more. Nothing may write to the source meanwhile, so its keys are read in place, without snapshots.
func (t *transfer) Settle(ctx context.Context) (deploy.CopyReport, error) {
	t.watchSource(ctx)
	run := t.newPass(stillKeys{})
	err := run.settle(ctx)
	if err == nil {
		err = t.to.unfence(ctx)
	}
	if err != nil {
		err = fmt.Errorf("settle keys: %w", err)
	} else if t.data != nil {
		t.data.fencing.opened(t.to.slice)
	}
	if errors.Is(err, deploy.ErrDataDiffers) {
		err = &deploy.HintedError{Err: err, Next: fmt.Sprintf("find out what writes to the redis of %s or %s besides requests, e.g. a background job, "+
			"and let it rest during a switch", t.from.slice, t.to.slice)}
	}
	return run.report(), hinted(err)
}

func (p *pass) settle(ctx context.Context) error {
	if err := p.removeSurplus(ctx); err != nil {
		return err
	}
	if err := p.over(ctx, (*pair).mendKeys); err != nil {
		return err
	}
	if p.copied.Load() == 0 && p.removed.Load() == 0 {
		return nil // the comparison found nothing, and was complete
	}
	p.compared.Store(0)
	if err := p.findSurplus(ctx); err != nil {
		return err
	}
	if err := p.over(ctx, (*pair).verifyKeys); err != nil {
		return err
	}
	return p.verdict()
}

// verdict is the error about keys that differ in the end, or nil.
func (p *pass) verdict() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.unequal) == 0 {
		return nil
	}
	names := strings.Join(p.unequal, ", ")
	if more := p.unequalCount - len(p.unequal); more > 0 {
		names = fmt.Sprintf("%s and %d more", names, more)
	}
	return fmt.Errorf("%w: %s", deploy.ErrDataDiffers, names)
}

// watchSource begins to look for late writes. Without it nothing is told about them.
func (t *transfer) watchSource(ctx context.Context) {
	if t.data == nil || t.watch != nil {
		return
	}
	if t.watch, t.unwatched = t.listen(ctx); t.unwatched != nil {
		t.log.Warn("late writes cannot be seen", "slice", t.from.slice, "error", t.unwatched)
	}
}

// listen has the source tell of writes, by a connection that outlives ctx.
func (t *transfer) listen(ctx context.Context) (*conn, error) {
	if t.from.info["run_id"] == t.to.info["run_id"] {
		return nil, t.from.fail(ctx, errSameServer)
	}
	lasting, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer context.AfterFunc(ctx, cut)()
	c, err := t.from.dial(lasting)
	if err != nil {
		return nil, err
	}
	if err := c.track(t.keys); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// lateWrites returns the selected keys that were written on the source since Settle.
func (t *transfer) lateWrites(ctx context.Context) (keys []string, err error) {
	if t.watch == nil {
		return nil, nil
	}
	watch := t.watch
	defer context.AfterFunc(ctx, func() { watch.tcp.Close() })()
	told, all, err := watch.strays()
	if err != nil {
		return nil, err
	}
	if keys, err = t.data.written(ctx, watch, told); all {
		keys = append(keys, allStrays)
	}
	return keys, err
}

// Turn fences the source, or goes on watching it where it cannot be fenced or is not to be.
func (t *transfer) Turn(ctx context.Context) (late []string, err error) {
	var left departure
	if t.data.Fencing {
		left.unfenced = t.from.fence(ctx, t.to)
		left.fenced = left.unfenced == nil
	}
	left.late, left.lost = t.lateWrites(ctx)
	return left.late, hinted(errors.Join(left.lost, t.data.turnedPlain(t, left)))
}

// Close ends the session. It is safe to call it more than once.
func (t *transfer) Close() error {
	var errs []error
	if t.watch != nil {
		t.watch.close()
		t.watch = nil
	}
	if t.data != nil {
		t.data.release()
		t.data = nil
	}
	for _, s := range []*server{t.from, t.to} {
		if s != nil && s.client != nil {
			errs = append(errs, s.client.Close())
			s.client = nil
		}
	}
	return errors.Join(errs...)
}
