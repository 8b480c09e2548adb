package compose

import (
	"context"
	"errors"
	"strings"

	"github.com/docker/docker/api/types/container"
)

// asideSuffix marks a container that was set aside. Should verdigris die in between, the next plan sees it as one too
// many, or as one with a wrong name.
const asideSuffix = "-replaced"

// setAside stops the container and frees its name, so that it can come back if the start fails.
func (x *execution) setAside(ctx context.Context, c found) error {
	if err := x.engine.stopContainer(ctx, c); err != nil {
		return err
	}
	return x.freeName(ctx, c)
}

// freeNames frees the names of all that will be replaced, before anything is made: a name may go from one service to
// another.
func (x *execution) freeNames(ctx context.Context) error {
	for _, level := range x.plan.levels {
		for _, sp := range level {
			for _, a := range sp.actions {
				if a.verb != replace {
					continue
				}
				if err := x.freeName(ctx, *a.old); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (x *execution) freeName(ctx context.Context, c found) error {
	x.mu.Lock()
	x.replaced = append(x.replaced, c)
	x.mu.Unlock()
	if strings.HasSuffix(c.name, asideSuffix) {
		return nil
	}
	return x.engine.rename(ctx, c, c.name+asideSuffix)
}

// removeReplaced removes what was set aside, once its successors are there. It has its own time: left
// half-way, it would leave containers of two releases in one slice.
func (x *execution) removeReplaced(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), x.CleanupTimeout)
	defer cancel()
	var errs []error
	for _, c := range x.replaced {
		errs = append(errs, x.engine.removeContainer(ctx, c))
	}
	return errors.Join(errs...)
}

// undo removes what the execution created and brings back what it had set aside. It has its own time: what failed
// may have failed because ctx is over. What cannot be undone is told through the log; cause is returned.
func (x *execution) undo(ctx context.Context, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), x.CleanupTimeout)
	defer cancel()
	x.log("failed: removing what this start created")
	tell := func(err error) {
		if err != nil {
			x.log("could not be undone: " + err.Error())
		}
	}
	for _, id := range x.containers {
		tell(x.engine.discard(ctx, id))
	}
	for _, c := range x.replaced {
		tell(x.bringBack(ctx, c))
	}
	for _, name := range x.networks {
		tell(x.engine.removeNetwork(ctx, name))
	}
	for _, name := range x.volumes {
		tell(x.engine.removeVolume(ctx, name))
	}
	return cause
}

func (x *execution) bringBack(ctx context.Context, c found) error {
	x.log("bring back " + c.name)
	if !strings.HasSuffix(c.name, asideSuffix) {
		if err := x.engine.rename(ctx, c, c.name); err != nil {
			return err
		}
	}
	if !c.running() {
		return nil
	}
	return x.engine.do(ctx, "start container "+c.name, func(ctx context.Context) error {
		return x.engine.client.ContainerStart(ctx, c.id, container.StartOptions{})
	})
}

func (e *Engine) rename(ctx context.Context, c found, name string) error {
	return e.do(ctx, "rename container "+c.name, func(ctx context.Context) error {
		return e.client.ContainerRename(ctx, c.id, name)
	})
}
