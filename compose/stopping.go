package compose

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"golang.org/x/sync/errgroup"

	"verdigris/deploy"
)

// stopContainer runs the container's pre_stop hooks, sends it its stop signal and waits. What still runs after its grace
// period is killed by the engine. A container that does not run is left alone. Neither is started by the engine after that.
func (e *Engine) stopContainer(ctx context.Context, c found, log deploy.Log) error {
	if c.ended() {
		return e.rest(ctx, c)
	}
	grace, err := e.grace(ctx, c)
	if err != nil {
		return err
	}
	log(fmt.Sprintf("stop %s (grace %s)", c.name, seconds(grace)))
	begun := time.Now()
	e.beforeStop(ctx, c, log)
	err = e.doWithin(ctx, grace+e.Timeout, "stop container "+c.name, func(ctx context.Context) error {
		return gone(e.client.ContainerStop(ctx, c.id, container.StopOptions{}))
	})
	if err != nil {
		return err
	}
	log(fmt.Sprintf("stopped %s in %.1f s", c.name, time.Since(begun).Seconds()))
	return e.rest(ctx, c)
}

// seconds writes whole seconds as 30 s.
func seconds(d time.Duration) string { return fmt.Sprintf("%d s", int(d.Seconds())) }

// defaultGrace is the engine's own.
const defaultGrace = 10 * time.Second

// grace is how long the engine waits before it kills the container.
func (e *Engine) grace(ctx context.Context, c found) (time.Duration, error) {
	grace := defaultGrace
	err := e.do(ctx, "look at container "+c.name, func(ctx context.Context) error {
		i, err := e.client.ContainerInspect(ctx, c.id)
		if errdefs.IsNotFound(err) {
			return nil
		}
		if err == nil && i.Config.StopTimeout != nil {
			grace = time.Duration(*i.Config.StopTimeout) * time.Second
		}
		return err
	})
	return grace, err
}

// inStopOrder calls stop for each container, for what depends on others first. Containers of one level are stopped at
// once; the next level waits for all of them, and stays up when one of them fails.
func inStopOrder(containers []found, stop func(found) error) error {
	for _, level := range slices.Backward(levels(servicesOf(containers))) {
		var group errgroup.Group
		for _, c := range containers {
			if slices.Contains(level, c.service) {
				group.Go(func() error { return stop(c) })
			}
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// stops returns for each service what stops those of its containers that go or restart. What depends on the service is
// stopped before it, but no sooner than the service itself has to: nothing is away longer than it must be.
func (x *execution) stops(ctx context.Context) map[string]func() error {
	stops := map[string]func() error{}
	dependents := map[string][]string{}
	for _, sp := range x.plan.services() {
		for _, d := range sp.waits {
			dependents[d.service] = append(dependents[d.service], sp.service.Name)
		}
		stops[sp.service.Name] = sync.OnceValue(func() error {
			var before, own errgroup.Group
			for _, name := range dependents[sp.service.Name] {
				before.Go(stops[name])
			}
			if err := before.Wait(); err != nil {
				return err
			}
			for _, a := range sp.actions {
				if a.stops() {
					own.Go(func() error { return x.stopOld(ctx, a) })
				}
			}
			return own.Wait()
		})
	}
	return stops
}

// stops tells whether the action takes a container down.
func (a action) stops() bool {
	return a.verb == replace || a.verb == restart || a.verb == remove || a.verb == stop
}

// stopOld stops the container of an action. One that stays is noted, to run again if the plan fails.
func (x *execution) stopOld(ctx context.Context, a action) error {
	if a.verb == replace || a.verb == remove {
		return x.retire(ctx, *a.old)
	}
	x.mu.Lock()
	x.paused = append(x.paused, *a.old)
	x.mu.Unlock()
	return x.engine.stopContainer(ctx, *a.old, x.log)
}

// servicesOf reads services and their dependencies from the labels of containers.
func servicesOf(containers []found) types.Services {
	services := types.Services{}
	for _, c := range containers {
		s := types.ServiceConfig{Name: c.service}
		s.DependsOn = types.DependsOnConfig{}
		for _, entry := range words(strings.Split(c.labels[labelDependsOn], ",")...) {
			dependency, rest, _ := strings.Cut(entry, ":")
			condition, restart, _ := strings.Cut(rest, ":")
			s.DependsOn[dependency] = types.ServiceDependency{Condition: condition, Required: true, Restart: restart == "true"}
		}
		services[c.service] = s
	}
	return services
}
