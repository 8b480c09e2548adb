package compose

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"verdigris/deploy"
)

// StartWorkers starts the slice's workers that do not run, each as soon as those that it depends on are as it wants them,
// with its post_start hooks, and returns how many it started. Like Start it waits until each of them runs and none is
// unhealthy. One that fails holds up those alone that depend on it; the error names every one, and is a
// deploy.LoggedError when a container is to blame. It needs no compose file, and can be repeated. Staging is never live:
// its workers rest.
func (r *Runtime) StartWorkers(ctx context.Context, slice deploy.Slice, log deploy.Log) (int, error) {
	if slice == deploy.Staging {
		return 0, nil
	}
	containers, err := r.ownContainers(ctx, slice)
	if err != nil {
		return 0, err
	}
	x := newExecution(r, planWorkers(r.startable(containers)), log)
	err = x.startWorkers(ctx)
	return x.begun(), r.withLog(ctx, err)
}

// startable are the workers that belong to the release that the slice runs. A start that verdigris died in has left more:
// containers that were made and never came to be the slice's, whose web service runs another release, and beside them
// those that were set aside for them; or, where it died at its very end, those alone whose successors are there.
func (r *Runtime) startable(containers []found) (workers []found) {
	release := r.runningRelease(containers)
	type place struct {
		service string
		number  int
	}
	taken := map[place]bool{}
	for _, c := range workersOf(containers) { // what was set aside comes after its successor: its name is longer
		at := place{c.service, c.number}
		unused := c.state == "created" && release != "" && commitOf(c.labels) != release
		if !unused && !taken[at] {
			taken[at] = true
			workers = append(workers, c)
		}
	}
	return workers
}

// runningRelease is the release of the web service's running containers; empty when none runs.
func (r *Runtime) runningRelease(containers []found) deploy.Commit {
	for _, c := range containers {
		if c.service == r.settings.Web && c.running() {
			return commitOf(c.labels)
		}
	}
	return ""
}

// planWorkers plans the start of workers from what their labels say.
func planWorkers(workers []found) *plan {
	services, pl := servicesOf(workers), &plan{}
	earlier := map[string]bool{} // what labels say may be a cycle, in which each would wait for the other
	for _, names := range levels(services) {
		var level []servicePlan
		for _, name := range names {
			sp := servicePlan{service: services[name]}
			for _, d := range waits(services[name]) {
				if earlier[d.service] {
					sp.waits = append(sp.waits, d)
				}
			}
			for _, c := range workers {
				if c.service == name {
					sp.actions = append(sp.actions, startOf(c))
				}
			}
			level = append(level, sp)
		}
		for _, name := range names {
			earlier[name] = true
		}
		pl.levels = append(pl.levels, level)
	}
	return pl
}

func startOf(c found) action {
	if c.ended() {
		return action{verb: start, name: c.name, why: "its slice is live", old: &c}
	}
	return action{verb: keep, name: c.name, old: &c}
}

// attempt is the start of one worker.
type attempt struct {
	over chan struct{} // closed once it is started, or is not
	err  error
}

// startWorkers starts each worker when those that it depends on have been. Unlike a slice, which starts as a whole or not
// at all, one that fails leaves the others to their work.
func (x *execution) startWorkers(ctx context.Context) error {
	services := x.plan.services()
	attempts, errs := map[string]*attempt{}, make([]error, len(services))
	for _, sp := range services {
		attempts[sp.service.Name] = &attempt{over: make(chan struct{})}
	}
	var group sync.WaitGroup
	for i, sp := range services {
		group.Go(func() {
			own := attempts[sp.service.Name]
			own.err = x.startWorker(ctx, sp, attempts)
			close(own.over)
			if errs[i] = own.err; own.err == nil {
				errs[i] = x.awaitStarted(ctx, sp.service.Name)
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// startWorker starts the containers of one worker. What it depends on tells by itself why it failed.
func (x *execution) startWorker(ctx context.Context, sp servicePlan, attempts map[string]*attempt) error {
	for _, d := range sp.waits {
		if err := until(ctx, attempts[d.service].over); err != nil {
			return err
		}
		if attempts[d.service].err != nil || x.awaitDependency(ctx, d) != nil {
			return fmt.Errorf("worker %s is not started, since it depends on %s", sp.service.Name, d.service)
		}
	}
	for _, a := range sp.actions {
		if a.verb == keep { // somebody may have started it by hand, without its restart policy
			if err := x.engine.wake(ctx, member{a.old.id, a.name}, a.old.labels); err != nil {
				return err
			}
		}
	}
	err := x.converge(ctx, sp, nil)
	if err != nil {
		x.stopUnfinished(ctx, sp)
	}
	return err
}

// awaitStarted waits until the containers of a worker run and none is unhealthy.
func (x *execution) awaitStarted(ctx context.Context, service string) error {
	for _, m := range x.members(service) {
		if err := x.await(ctx, m, "become ready", x.started(service)); err != nil {
			return err
		}
	}
	return nil
}

// stopUnfinished stops what was started and did not get through its post_start hooks, so that a repeated start runs them
// anew. It has its own time: what failed may have failed because ctx is over.
func (x *execution) stopUnfinished(ctx context.Context, sp servicePlan) {
	ctx = context.WithoutCancel(ctx)
	for _, a := range sp.actions {
		if a.verb == keep || x.reached(sp.service.Name, a) {
			continue
		}
		now, err := x.engine.inspect(ctx, a.old.id)
		if err == nil && now.State.Running {
			c := *a.old
			c.state = string(now.State.Status)
			err = x.engine.stopContainer(ctx, c, x.log)
		}
		if err != nil {
			x.log("could not be undone: " + err.Error())
		}
	}
}

// reached tells whether the execution has brought the action's container to where it runs.
func (x *execution) reached(service string, a action) bool {
	return slices.ContainsFunc(x.members(service), func(m member) bool { return m.id == a.old.id })
}

// begun counts the containers that were started.
func (x *execution) begun() (count int) {
	for _, sp := range x.plan.services() {
		for _, a := range sp.actions {
			if a.verb == start && x.reached(sp.service.Name, a) {
				count++
			}
		}
	}
	return count
}
