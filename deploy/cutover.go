package deploy

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// step carries out one part of a cutover: as a phase of its own on the way there, under one roof on the way back.
type step func(p Phase, timeout time.Duration, do func(context.Context) (string, error)) error

// cutover moves traffic and data from the live route to the deployment's slice, then looks whether that was good.
func (r *run) cutover(ctx context.Context, live Route) error {
	first := r.carry
	if live.Slice == "" {
		first = r.firstRoute
	}
	if err := first(ctx, live); err != nil {
		return err
	}
	if err := r.confirm(ctx); err != nil {
		return errors.Join(err, r.comeBack(ctx, live))
	}
	return r.keep(ctx)
}

// nextRoute is the route to a slice as it runs now.
func (r *run) nextRoute(ctx context.Context, slice Slice, live Route) (Route, error) {
	observed, err := r.Runtime.Observe(ctx, slice)
	if err != nil {
		return Route{}, err
	}
	if !observed.Running() {
		return Route{}, fmt.Errorf("%s has no running container to route to", slice)
	}
	return Route{
		Slice: slice, Commit: observed.Commit, Endpoints: observed.Endpoints,
		Previous: live.Slice, PreviousCommit: live.Commit,
	}, nil
}

// firstRoute makes the first slice live: there is no traffic to hold and no data to carry.
func (r *run) firstRoute(ctx context.Context, live Route) error {
	return r.phase(ctx, PhaseRoute, r.app.HoldTimeout, func(ctx context.Context) (string, error) {
		next, err := r.nextRoute(ctx, r.d.Slice, live)
		if err != nil {
			return "", err
		}
		r.traffic.Lock()
		defer r.traffic.Unlock()
		r.fate = moved
		if err := r.Router.Apply(ctx, next); err != nil {
			r.fate = untouched
			return "", err
		}
		r.routed(next)
		return fmt.Sprintf("%s is live", next.Slice), nil
	})
}

// carry copies the bulk of the data while traffic goes on, and then does the cutover proper.
func (r *run) carry(ctx context.Context, live Route) error {
	forward := func(p Phase, timeout time.Duration, do func(context.Context) (string, error)) error {
		return r.phase(ctx, p, timeout, do)
	}
	transfer, err := r.bulkCopy(live.Slice, r.d.Slice, forward)
	if transfer != nil {
		defer transfer.Close()
	}
	if err != nil {
		return err
	}
	return r.move(ctx, transfer, r.d.Slice, live, forward)
}

// bulkCopy brings the selected keys over while traffic goes on. Without data there is no transfer.
func (r *run) bulkCopy(from, to Slice, do step) (transfer Transfer, err error) {
	if r.Data == nil {
		return nil, nil
	}
	err = do(PhaseCopy, r.app.Timeouts.Copy, func(ctx context.Context) (string, error) {
		if transfer, err = r.Data.Begin(ctx, from, to); err != nil {
			return "", err
		}
		report, err := transfer.Copy(ctx, r.copyProgress())
		return report.String(), err
	})
	return transfer, err
}

// move is the cutover proper: hold, settle, route, release. Requests wait from hold to release; whatever fails
// before route sends them to the slice that was live. The route keeps previous as the way back.
func (r *run) move(ctx context.Context, transfer Transfer, to Slice, previous Route, do step) error {
	r.traffic.Lock()
	defer r.traffic.Unlock()
	deadline := time.Now().Add(r.app.HoldTimeout)
	left := func() time.Duration { return max(time.Until(deadline), time.Millisecond) }

	var next Route
	var hold Hold
	err := do(PhaseHold, left(), func(ctx context.Context) (detail string, err error) {
		// Observed as late as this: the copy may have taken minutes, and containers come and go.
		if next, err = r.nextRoute(ctx, to, previous); err != nil {
			return "", err
		}
		if hold, err = r.Router.Hold(ctx, next); err != nil {
			return "", err
		}
		return r.drain(ctx, hold)
	})
	if err != nil {
		return errors.Join(err, callOff(ctx, hold))
	}
	if transfer != nil {
		err = do(PhaseSettle, left(), func(ctx context.Context) (string, error) {
			report, err := transfer.Settle(ctx)
			return report.String(), err
		})
		if err != nil {
			return errors.Join(err, callOff(ctx, hold))
		}
	}
	if err := r.turn(ctx, transfer, hold, next, left(), do); err != nil {
		return err
	}
	r.release(ctx, hold, do)
	r.routed(next)
	return nil
}

// turn is the route phase, and what there is to mend when it fails.
func (r *run) turn(ctx context.Context, transfer Transfer, hold Hold, next Route, left time.Duration, do step) error {
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
		return errors.Join(err, r.unroute(ctx, transfer, hold, next.Slice, before))
	case err != nil:
		r.fate = before
		return errors.Join(err, callOff(ctx, hold))
	}
	return nil
}

// release ends the wait. The traffic has moved by now, and whether it arrives is for the next phase to see, so an
// error here is told and does not spoil the cutover.
func (r *run) release(ctx context.Context, hold Hold, do step) {
	err := do(PhaseRelease, 0, func(ctx context.Context) (string, error) {
		held, longest, err := hold.Release(context.WithoutCancel(ctx))
		return fmt.Sprintf("%s waited, at most %d ms", plural(held, "request"), longest.Milliseconds()), err
	})
	if err != nil {
		r.worker.log.Error("could not end the hold properly", "deployment", r.d.ID, "error", err)
	}
}

func (r *run) drain(ctx context.Context, hold Hold) (string, error) {
	left, err := hold.Drain(ctx, r.app.DrainTimeout)
	if err != nil || left == 0 {
		return "drained", err
	}
	return fmt.Sprintf("%s with long requests stayed behind", plural(left, "router worker")), nil
}

// unroute mends a route that could not be confirmed: the old one is in force again and requests still wait. The slice
// that it led to may have taken a request in between, so what it wrote is carried back before the wait ends. On the
// way back of a release that failed, this leaves the traffic with it.
func (r *run) unroute(ctx context.Context, transfer Transfer, hold Hold, to Slice, before fate) error {
	ctx = context.WithoutCancel(ctx)
	if transfer != nil && r.lost == nil { // data that is known to be incomplete must not go over the whole
		r.lost = r.settleBack(ctx, to)
	}
	err := callOff(ctx, hold)
	if err == nil && before == untouched {
		r.fate = returned
	}
	return err
}

// settleBack takes half of the hold's time at most: the gate lets requests go on when it is over.
func (r *run) settleBack(ctx context.Context, from Slice) error {
	ctx, cancel := context.WithTimeout(ctx, r.app.HoldTimeout/2)
	defer cancel()
	back, err := r.Data.Begin(ctx, from, from.Other())
	if err != nil {
		return err
	}
	defer back.Close()
	_, err = back.Settle(ctx)
	return err
}

// callOff lets the waiting requests go to the slice that was live, even when verdigris is being stopped.
func callOff(ctx context.Context, hold Hold) error {
	if hold == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := hold.Abort(ctx); err != nil {
		return fmt.Errorf("call the cutover off: %w", err)
	}
	return nil
}
