package compose

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// freeNames frees the names of all that will be replaced or removed, before anything is made: a name may go from one
// service to another.
func (x *execution) freeNames(ctx context.Context) error {
	actions := slices.Clone(x.plan.removals)
	for _, sp := range x.plan.services() {
		actions = append(actions, sp.actions...)
	}
	for _, a := range actions {
		if a.verb != replace && a.verb != remove {
			continue
		}
		if err := x.freeName(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

func (x *execution) freeName(ctx context.Context, a action) error {
	put, already := a.old.aside()
	if already && a.verb == remove {
		x.leftovers = append(x.leftovers, *a.old)
		return nil
	}
	if !already {
		var err error
		if put, err = x.engine.putAside(ctx, *a.old); err != nil {
			return err
		}
	}
	x.replaced = append(x.replaced, put)
	return nil
}

// stopRemoved stops the containers whose services are gone.
func (x *execution) stopRemoved(ctx context.Context) error {
	var gone []found
	for _, a := range x.plan.removals {
		x.log(a.String())
		gone = append(gone, *a.old)
	}
	return inStopOrder(gone, func(c found) error { return x.retire(ctx, c) })
}

// retire stops a container that others take the place of.
func (x *execution) retire(ctx context.Context, c found) error {
	i := slices.IndexFunc(x.replaced, func(a aside) bool { return a.id == c.id })
	if i < 0 { // left by an earlier start
		return x.engine.stopContainer(ctx, c, x.log)
	}
	if err := x.engine.retire(ctx, x.replaced[i], x.log); err != nil {
		return err
	}
	return x.leaveRoute(ctx, c, x.log)
}

// removeLeftovers removes what an earlier start has left aside, now that the plan has succeeded.
func (x *execution) removeLeftovers(ctx context.Context) error {
	var errs []error
	for _, c := range x.leftovers {
		errs = append(errs, x.inOwnTime(ctx, func(ctx context.Context) error { return x.engine.removeContainer(ctx, c) }))
	}
	return errors.Join(errs...)
}

// inOwnTime does one step of a clean-up. What made it necessary may be that ctx is over, and on a busy machine the steps
// before may have taken long: neither is to leave containers of two releases, or none.
func (x *execution) inOwnTime(ctx context.Context, step func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), x.CleanupTimeout)
	defer cancel()
	return step(ctx)
}

// undo removes what the execution created and brings back what it had set aside. What cannot be undone is told through
// the log; cause is returned.
func (x *execution) undo(ctx context.Context, cause error) error {
	x.log("failed: removing what this start created")
	var v reversal
	try := func(step func(context.Context) error) {
		if err := x.inOwnTime(ctx, step); err != nil {
			x.log("could not be undone: " + err.Error())
		}
	}
	for _, id := range x.containers {
		try(func(ctx context.Context) error { return x.takeAway(ctx, id) })
	}
	try(func(ctx context.Context) error {
		containers, err := x.engine.containersOf(ctx, x.plan.project.Name)
		v = x.reversal(containers)
		return err
	})
	if err := x.comeBack(context.WithoutCancel(ctx), v, x.log); err != nil {
		x.log("could not be undone: " + err.Error())
	}
	for _, id := range x.networks {
		try(func(ctx context.Context) error { return x.engine.removeNetwork(ctx, id) })
	}
	for _, name := range x.volumes {
		try(func(ctx context.Context) error { return x.engine.removeVolume(ctx, name) })
	}
	return cause
}

// reversal is what undoes the execution, once what it made is gone.
func (x *execution) reversal(containers []found) (v reversal) {
	for _, c := range containers {
		put, _ := c.aside()
		switch {
		case slices.ContainsFunc(x.replaced, func(a aside) bool { return a.id == c.id && put.id == c.id }):
			v.back = append(v.back, put)
		case slices.ContainsFunc(x.paused, func(p found) bool { return p.id == c.id }):
			v.again = append(v.again, c)
		default:
			v.kept = append(v.kept, c)
		}
	}
	return v
}

// takeAway removes a container that the execution made. It is killed; before that it has its pre_stop hooks, since others
// may know of it by then.
func (x *execution) takeAway(ctx context.Context, id string) error {
	c, err := x.engine.inspect(ctx, id)
	if err == nil && c.State.Running {
		x.engine.beforeStop(ctx, found{id: id, name: strings.TrimPrefix(c.Name, "/"), labels: c.Config.Labels}, x.log)
	}
	return x.engine.discard(ctx, id)
}
