package compose

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// asideSuffix marks a container that was set aside. Should verdigris die in between, the next plan sees it as one too
// many, or as one with a wrong name.
const asideSuffix = "-replaced"

// freeNames frees the names of all that will be replaced or removed, before anything is made: a name may go from one
// service to another.
func (x *execution) freeNames(ctx context.Context) error {
	for _, sp := range x.plan.services() {
		for _, a := range sp.actions {
			if a.verb != replace && a.verb != remove {
				continue
			}
			if err := x.freeName(ctx, *a.old); err != nil {
				return err
			}
		}
	}
	return nil
}

// setAside stops the containers whose services are gone and frees their names, so that they can come back if the start
// fails.
func (x *execution) setAside(ctx context.Context) error {
	var gone []found
	for _, a := range x.plan.removals {
		x.log(a.String())
		gone = append(gone, *a.old)
	}
	return inStopOrder(gone, func(c found) error {
		if err := x.engine.stopContainer(ctx, c, x.log); err != nil {
			return err
		}
		return x.freeName(ctx, c)
	})
}

func (x *execution) freeName(ctx context.Context, c found) error {
	x.mu.Lock()
	x.replaced = append(x.replaced, c)
	x.mu.Unlock()
	if strings.HasSuffix(c.name, asideSuffix) {
		return nil
	}
	return x.engine.rename(ctx, c, c.aside())
}

// aside is the container's name while it is set aside. It has a part of the id: one that an earlier start left aside, when
// verdigris died in it, may be there still.
func (f found) aside() string { return f.name + asideMark(f.id) }

// setAside reports whether the container was set aside.
func (f found) setAside() bool { return strings.HasSuffix(f.name, asideMark(f.id)) }

func asideMark(id string) string { return "-" + id[:min(12, len(id))] + asideSuffix }

// removeReplaced removes what was set aside, once its successors are there. It has its own time: left
// half-way, it would leave containers of two releases in one slice.
func (x *execution) removeReplaced(ctx context.Context) error {
	var errs []error
	for _, c := range x.replaced {
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
	try := func(step func(context.Context) error) {
		if err := x.inOwnTime(ctx, step); err != nil {
			x.log("could not be undone: " + err.Error())
		}
	}
	for _, id := range x.containers {
		try(func(ctx context.Context) error { return x.takeAway(ctx, id) })
	}
	for _, c := range x.replaced {
		try(func(ctx context.Context) error { return x.bringBack(ctx, c) })
	}
	for _, c := range slices.Backward(x.paused) { // who shares a namespace was stopped before its owner
		try(func(ctx context.Context) error { return x.start(ctx, member{c.id, c.name}, c.labels) })
	}
	for _, id := range x.networks {
		try(func(ctx context.Context) error { return x.engine.removeNetwork(ctx, id) })
	}
	for _, name := range x.volumes {
		try(func(ctx context.Context) error { return x.engine.removeVolume(ctx, name) })
	}
	return cause
}

func (x *execution) bringBack(ctx context.Context, c found) error {
	x.log("bring back " + c.name)
	now, err := x.engine.inspect(ctx, c.id)
	if err != nil {
		return err
	}
	if now.Name != "/"+c.name { // it may not have come to that
		if err := x.engine.rename(ctx, c, c.name); err != nil {
			return err
		}
	}
	if now.State.Running || !c.running() { // it may have lost its name alone
		return nil
	}
	return x.start(ctx, member{c.id, c.name}, c.labels)
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

func (e *Engine) rename(ctx context.Context, c found, name string) error {
	return e.do(ctx, "rename container "+c.name, func(ctx context.Context) error {
		return e.client.ContainerRename(ctx, c.id, name)
	})
}
