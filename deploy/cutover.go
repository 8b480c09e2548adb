package deploy

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// step carries out one part of a cutover: as a phase of its own on the way there, under one roof on the way back.
type step func(p Phase, timeout time.Duration, do func(context.Context) (string, error)) error

// forward carries out steps as phases of the deployment.
func (r *run) forward(ctx context.Context) step {
	return func(p Phase, timeout time.Duration, do func(context.Context) (string, error)) error {
		return r.phase(ctx, p, timeout, do)
	}
}

// cutover moves traffic and data from the live route to the deployment's slice, then looks whether that was good.
func (r *run) cutover(ctx context.Context, live Route) error {
	first := r.carry
	if live.Slice == "" {
		first = r.firstRoute
	}
	if err := first(ctx, live); err != nil {
		return err
	}
	if err := r.settleIn(ctx); err != nil {
		return errors.Join(err, r.comeBack(ctx, live))
	}
	return r.keep(ctx)
}

// settleIn starts what runs on the live slice alone, and confirms that the release is good under traffic.
func (r *run) settleIn(ctx context.Context) error {
	// The traffic is here already: being stopped is no reason to leave its jobs undone.
	if err := r.startWorkers(r.d.Slice, r.forward(context.WithoutCancel(ctx))); err != nil {
		return err
	}
	return r.confirm(ctx)
}

// nextRoute is the route to a slice as it runs now.
func (r *run) nextRoute(ctx context.Context, slice Slice, live Route) (Route, error) {
	observed, err := r.Runtime.Observe(ctx, slice)
	if err != nil {
		return Route{}, err
	}
	if !observed.Running() {
		return Route{}, Unroutable(ctx, r.Runtime, slice)
	}
	var known []Endpoint
	if slice == r.d.Slice {
		known = r.answered
	}
	return Route{
		Slice: slice, Commit: observed.Commit, Endpoints: observed.toRoute(known),
		Previous: live.Slice, PreviousCommit: live.Commit,
	}, nil
}

// firstRoute makes the first slice live: there is no traffic to hold and no data to carry.
func (r *run) firstRoute(ctx context.Context, live Route) error {
	err := r.phase(ctx, PhaseRoute, r.app.HoldTimeout, func(ctx context.Context) (string, error) {
		next, err := r.nextRoute(ctx, r.d.Slice, live)
		if err != nil {
			return "", err
		}
		// Fenced by a cutover of former times, whose router is gone.
		if err := r.openData(ctx, next.Slice); err != nil {
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
	r.keepMirror(ctx)
	return err
}
