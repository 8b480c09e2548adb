package deploy

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// prepareHoldWithin bounds what comes before the hold while nobody waits: nginx tests the configurations and is reloaded,
// through a container whose machine may be busy.
const prepareHoldWithin = 3 * time.Minute

// move is the cutover proper: hold, settle, route, release. Requests wait from hold to release; whatever fails
// before route sends them to the slice that was live. The route keeps previous as the way back. The time for a hold counts
// from when all workers of the router hold; the gate counts for each request by itself.
func (r *run) move(ctx context.Context, c *cargo, to Slice, previous Route, do step) error {
	r.traffic.Lock()
	defer r.traffic.Unlock()
	defer r.speak() // once nobody waits any more
	var deadline time.Time
	left := func() time.Duration { return max(time.Until(deadline), time.Millisecond) }

	var next Route
	var hold Hold
	err := do(PhaseHold, prepareHoldWithin+r.app.HoldTimeout, func(ctx context.Context) (detail string, err error) {
		// Observed as late as this: the copy may have taken minutes, and containers come and go.
		if next, err = r.nextRoute(ctx, to, previous); err != nil {
			return "", err
		}
		r.hush()
		if hold, err = r.Router.Hold(ctx, next); err != nil {
			return "", err
		}
		deadline = time.Now().Add(r.app.HoldTimeout)
		return r.drain(ctx, hold, to.Other())
	})
	if err != nil {
		return errors.Join(err, r.callOff(ctx, hold))
	}
	if c.transfer != nil {
		err = do(PhaseSettle, left(), func(ctx context.Context) (string, error) {
			report, err := c.transfer.Settle(ctx)
			return report.String(), err
		})
		if err != nil {
			return errors.Join(err, r.callOff(ctx, hold))
		}
	}
	if err := r.reroute(ctx, c, hold, next, left(), do); err != nil {
		return err
	}
	r.release(ctx, hold, do)
	r.routed(next)
	return nil
}

// drain lets end what was accepted before the hold.
func (r *run) drain(ctx context.Context, hold Hold, from Slice) (string, error) {
	left, err := hold.Drain(ctx, r.app.DrainTimeout)
	if err != nil || left == 0 {
		return "drained", err
	}
	r.mu.Lock()
	r.d.Stayed += left
	r.mu.Unlock()
	if left == 1 {
		return fmt.Sprintf("1 request stays on %s until it ends", from), nil
	}
	return fmt.Sprintf("%d requests stay on %s until they end", left, from), nil
}

// reroute is the route phase, and what there is to mend when it fails.
func (r *run) reroute(ctx context.Context, c *cargo, hold Hold, next Route, left time.Duration, do step) error {
	before, unsure := r.fate, false
	err := do(PhaseRoute, left, func(ctx context.Context) (string, error) {
		r.fate = moved // ==== the point of no return: from here on a failure is mended by going back, not by stopping ====
		if err := hold.Route(ctx); err != nil {
			unsure = !errors.Is(err, ErrRouteRefused)
			return "", err
		}
		return fmt.Sprintf("%s is live", next.Slice), nil
	})
	switch {
	case unsure:
		return errors.Join(err, r.unroute(ctx, c, hold, next.Slice, before))
	case err != nil:
		r.fate = before
		return errors.Join(err, r.callOff(ctx, hold))
	}
	return nil
}

// release ends the wait. The traffic has moved by now, and whether it arrives is for the next phase to see, so an
// error here is told and does not spoil the cutover.
func (r *run) release(ctx context.Context, hold Hold, do step) {
	err := do(PhaseRelease, 0, func(ctx context.Context) (string, error) {
		err := hold.Release(context.WithoutCancel(ctx))
		held, longest := r.waited(hold)
		return fmt.Sprintf("%s waited, at most %d ms", plural(held, "request"), longest.Milliseconds()), err
	})
	if err != nil {
		r.worker.log.Error("could not end the hold properly", "deployment", r.d.ID, "error", err)
	}
}

// waited records how many requests a hold that has ended let wait, and for how long.
func (r *run) waited(hold Hold) (held int, longest time.Duration) {
	held, longest = hold.Waited()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.d.Held += held
	r.d.LongestHold = max(r.d.LongestHold, longest.Milliseconds())
	return held, longest
}
