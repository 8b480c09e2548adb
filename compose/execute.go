package compose

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/docker/docker/api/types/container"
	"golang.org/x/sync/errgroup"

	"verdigris/deploy"
)

// concurrency bounds how many calls that change something the engine gets at once: more only wait for its locks.
const concurrency = 8

// execution carries out one plan and remembers what it made, to take it away again when the plan fails.
type execution struct {
	*Runtime
	plan *plan
	log  deploy.Log

	mu         sync.Mutex
	containers []string            // ids that were created
	networks   []string            // ids that were created: of two starts at once each removes its own
	volumes    []string            // names that were created
	replaced   []aside             // what others take the place of
	leftovers  []found             // set aside by an earlier start, whose successors are there
	paused     []found             // stopped to be started again
	made       map[string]string   // id by name of what was created and is not started yet
	running    map[string][]member // by service
}

// member is one container that the plan wants to be there.
type member struct{ id, name string }

// execute carries out the plan, and leaves aside what it replaced. When it fails, what it created is gone again.
func (r *Runtime) execute(ctx context.Context, pl *plan, log deploy.Log) error {
	x := newExecution(r, pl, log)
	for _, note := range pl.notes {
		log(note)
	}
	if err := x.run(ctx); err != nil {
		return x.undo(ctx, r.withLog(ctx, err))
	}
	return x.removeLeftovers(ctx)
}

func newExecution(r *Runtime, pl *plan, log deploy.Log) *execution {
	return &execution{Runtime: r, plan: pl, log: log, made: map[string]string{}, running: map[string][]member{}}
}

// run makes everything before it stops or starts anything: what the engine refuses to make then costs nobody a
// restart, and a container that is replaced is away only from its stop to the start of its successor.
func (x *execution) run(ctx context.Context) error {
	if err := x.createResources(ctx); err != nil {
		return err
	}
	if err := x.createContainers(ctx); err != nil {
		return err
	}
	if err := x.stopRemoved(ctx); err != nil {
		return err
	}
	if err := x.startServices(ctx); err != nil {
		return err
	}
	return x.awaitAll(ctx)
}

// startServices starts each service as soon as those that it depends on are started and as it wants them.
func (x *execution) startServices(ctx context.Context) error {
	started := map[string]chan struct{}{}
	for _, sp := range x.plan.services() {
		started[sp.service.Name] = make(chan struct{})
	}
	group, ctx := errgroup.WithContext(ctx)
	stops := x.stops(ctx)
	for _, sp := range x.plan.services() {
		group.Go(func() error {
			for _, d := range sp.waits {
				if err := until(ctx, started[d.service]); err != nil {
					return err
				}
			}
			if err := x.converge(ctx, sp, stops[sp.service.Name]); err != nil {
				return err // those that wait see ctx end
			}
			close(started[sp.service.Name])
			return nil
		})
	}
	return group.Wait()
}

// converge brings one service to where the plan wants it; stop stops what stands in the way.
func (x *execution) converge(ctx context.Context, sp servicePlan, stop func() error) error {
	for _, d := range sp.waits {
		if err := x.awaitDependency(ctx, d); err != nil {
			return err
		}
	}
	for _, a := range sp.actions {
		if a.verb != keep {
			x.log(a.String())
		}
	}
	if slices.ContainsFunc(sp.actions, action.stops) {
		if err := stop(); err != nil {
			return err
		}
	}
	if isWorker(sp.service) {
		return x.leaveStopped(ctx, sp)
	}
	if err := x.preStart(ctx, sp); err != nil {
		return err
	}
	for _, a := range sp.actions {
		if err := x.act(ctx, sp.service.Name, a); err != nil {
			return err
		}
	}
	return nil
}

// leaveStopped does for a worker what is left once its containers are made and stopped: StartWorkers starts them.
func (x *execution) leaveStopped(ctx context.Context, sp servicePlan) error {
	for _, a := range sp.actions {
		if a.verb == keep {
			if err := x.engine.rest(ctx, *a.old); err != nil {
				return err
			}
		}
	}
	return nil
}

// act starts the container of an action, unless it runs already or is to go.
func (x *execution) act(ctx context.Context, service string, a action) error {
	if a.verb == remove {
		return nil
	}
	m, labels := x.memberOf(a), map[string]string{}
	if a.blueprint != nil {
		labels = a.blueprint.Config.Labels
	} else if a.old != nil {
		labels = a.old.labels
	}
	if a.verb != keep {
		if err := x.start(ctx, m, labels); err != nil {
			return err
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.running[service] = append(x.running[service], m)
	return nil
}

// start starts a container and runs the post_start hooks that its labels hold.
func (x *execution) start(ctx context.Context, m member, labels map[string]string) error {
	if err := x.engine.wake(ctx, m, labels); err != nil {
		return err
	}
	if err := x.engine.startContainer(ctx, m.id, m.name); err != nil {
		return err
	}
	return x.engine.afterStart(ctx, m, labels, x.log)
}

// memberOf is the container that an action leaves behind.
func (x *execution) memberOf(a action) member {
	if a.blueprint != nil {
		return member{x.idOf(a.name), a.name}
	}
	return member{a.old.id, a.name}
}

// idOf returns the id of a container that the execution created.
func (x *execution) idOf(name string) string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.made[name]
}

func (e *Engine) startContainer(ctx context.Context, id, name string) error {
	err := e.do(ctx, "start container "+name, func(ctx context.Context) error {
		return e.client.ContainerStart(ctx, id, container.StartOptions{})
	})
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &containerError{id, fmt.Errorf("container %s: %w", name, reason(ctx, err, "start"))}
	}
	return &containerError{id, taken(err)}
}
