package compose

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/filters"

	"verdigris/deploy"
)

// reversal is what undoes a start.
type reversal struct {
	made  []found // by the start: they go
	back  []aside // what it set aside: they come back
	again []found // what it restarted because of these: they run again
	kept  []found // what it left alone
}

// Discard removes what a start has set aside on the slice: what took its place is to stay. It can be repeated.
func (r *Runtime) Discard(ctx context.Context, slice deploy.Slice, log deploy.Log) error {
	return r.discard(ctx, r.settings.Project(slice), log)
}

func (r *Runtime) discard(ctx context.Context, project string, log deploy.Log) error {
	containers, err := r.engine.containersOf(ctx, project)
	if err != nil {
		return err
	}
	if err := refuseElsewhere(project, r.settings.Dir, containers); err != nil {
		return err
	}
	put := slices.DeleteFunc(containers, func(c found) bool { return !c.setAside() })
	return inStopOrder(put, func(c found) error {
		if err := r.engine.stopContainer(ctx, c, log); err != nil {
			return err
		}
		log("remove " + c.name)
		return r.engine.removeContainer(ctx, c)
	})
}

// Revert undoes a deployment's start on the slice, whether that has ended or was cut off: the containers that it made are
// stopped and removed, and those that it set aside come back as they were, with their environment. It needs no compose file
// and can be repeated; a slice that the deployment never touched stays as it is.
func (r *Runtime) Revert(ctx context.Context, slice deploy.Slice, deployment int64, log deploy.Log) error {
	project := r.settings.Project(slice)
	containers, err := r.engine.list(ctx, filters.NewArgs(filters.Arg("label", ownedBy(project))))
	if err != nil {
		return err
	}
	if err := refuseElsewhere(project, r.settings.Dir, containers); err != nil {
		return err
	}
	v := newReversal(containers, deployment)
	err = inStopOrder(slices.Concat(v.made, v.again), func(c found) error { return r.takeDown(ctx, c, v, log) })
	if err != nil {
		return err
	}
	for i := range v.again {
		v.again[i].state = "exited"
	}
	if len(v.made) > 0 && len(v.made) == len(containers) {
		return r.removeNetworks(ctx, project, log)
	}
	return r.comeBack(ctx, v, log)
}

// takeDown stops a container, and removes it if the start made it.
func (r *Runtime) takeDown(ctx context.Context, c found, v reversal, log deploy.Log) error {
	if err := r.engine.stopContainer(ctx, c, log); err != nil {
		return err
	}
	if !slices.ContainsFunc(v.made, func(m found) bool { return m.id == c.id }) {
		return nil
	}
	log("remove " + c.name)
	return r.engine.discard(ctx, c.id)
}

// newReversal tells apart the containers of a slice, one-off ones among them. Whatever has the place of one that was set
// aside was made by the start.
func newReversal(containers []found, deployment int64) (v reversal) {
	id := strconv.FormatInt(deployment, 10)
	for _, c := range containers {
		if a, ok := c.aside(); ok {
			v.back = append(v.back, a)
		}
	}
	for _, c := range containers {
		switch {
		case c.setAside():
		case c.labels[labelDeployment] == id, slices.ContainsFunc(v.back, func(a aside) bool { return a.succeededBy(c) }):
			v.made = append(v.made, c)
		case c.labels[labelOneOff] == "False":
			v.kept = append(v.kept, c)
		}
	}
	v.restart()
	return v
}

// succeededBy reports whether the other container has this one's place in the project.
func (a aside) succeededBy(c found) bool {
	return c.service == a.service && c.number == a.number && c.labels[labelOneOff] == "False"
}

// restart moves from kept to again what restarts with something that changes: by its dependencies, or since it shares
// something with another one that restarts.
func (v *reversal) restart() {
	changed, again := map[string]bool{}, map[string]bool{} // services, and ids
	for _, c := range v.made {
		changed[c.service] = true
	}
	for _, a := range v.back {
		changed[a.service] = true
	}
	services := servicesOf(v.kept)
	for _, name := range slices.Concat(levels(services)...) {
		v.kept = slices.DeleteFunc(v.kept, func(c found) bool {
			if c.service != name || c.worker() || !restartsWith(services[name], changed) && !sharesWith(c, again) {
				return false
			}
			again[c.id] = true
			v.again = append(v.again, c)
			return true
		})
	}
}

func restartsWith(s types.ServiceConfig, changed map[string]bool) bool {
	for name, d := range s.DependsOn {
		if d.Restart && changed[name] {
			return true
		}
	}
	return false
}

func sharesWith(c found, ids map[string]bool) bool {
	for _, id := range c.partners() {
		if ids[id] {
			return true
		}
	}
	return false
}

// comeBack starts what ran before, in the order of dependencies, and gives it its name again. One container that fails
// leaves the others to come back. What is good about the slice is not for this to say.
func (r *Runtime) comeBack(ctx context.Context, v reversal, log deploy.Log) error {
	x := newExecution(r, nil, log)
	everything := slices.Concat(v.again, v.kept)
	for _, a := range v.back {
		everything = append(everything, a.found)
	}
	for _, c := range everything {
		x.running[c.service] = append(x.running[c.service], member{c.id, c.name})
	}
	var errs collected
	inTime := func(step func(context.Context) error) { // each has its own time: on a busy machine others may need long
		bounded, cancel := context.WithTimeout(ctx, r.CleanupTimeout)
		defer cancel()
		errs.add(step(bounded))
	}
	services := servicesOf(everything)
	for _, level := range levels(services) {
		var group sync.WaitGroup
		for _, a := range v.back {
			if slices.Contains(level, a.service) {
				group.Go(func() {
					inTime(func(ctx context.Context) error { return x.bringBack(ctx, services[a.service], a, everything) })
				})
			}
		}
		for _, c := range v.again {
			if slices.Contains(level, c.service) {
				group.Go(func() { inTime(func(ctx context.Context) error { return x.startAgain(ctx, services[c.service], c) }) })
			}
		}
		group.Wait()
	}
	return errors.Join(errs.list...)
}

// collected are errors of several goroutines.
type collected struct {
	mu   sync.Mutex
	list []error
}

func (c *collected) add(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, err)
}

// bringBack makes a container that was set aside again what it was. Its name comes last: until then it says what there is
// still to do. All are the containers of the project.
func (x *execution) bringBack(ctx context.Context, s types.ServiceConfig, a aside, all []found) error {
	x.log("bring back " + a.name)
	if !a.policy.IsNone() {
		if err := x.engine.setRestart(ctx, member{a.id, a.name}, a.policy); err != nil {
			return err
		}
	}
	var failed error
	if a.ran && a.ended() {
		failed = x.startAgain(ctx, s, a.found)
		if now, err := x.engine.inspect(ctx, a.id); err != nil || !now.State.Running {
			return errors.Join(failed, err)
		}
	}
	return errors.Join(failed, x.takePlace(ctx, a.found, all, x.log), x.engine.rename(ctx, a.found, a.name))
}

// startAgain starts a container when those that it depends on are as it wants them. It waits for them so long only: it has
// run before, and may do without.
func (x *execution) startAgain(ctx context.Context, s types.ServiceConfig, c found) error {
	if !c.ended() {
		return nil
	}
	waiting, cancel := context.WithTimeout(ctx, x.CleanupTimeout/2)
	defer cancel()
	for _, d := range waits(s) {
		if err := x.awaitDependency(waiting, d); err != nil {
			x.log("note: " + err.Error())
		}
	}
	return x.start(ctx, member{c.id, c.name}, c.labels)
}
