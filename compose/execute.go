package compose

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
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
	networks   []string            // names that were created
	volumes    []string            // names that were created
	replaced   []found             // set aside until the plan has succeeded
	paused     []found             // stopped to be started again
	made       map[string]string   // id by name of what was created and is not started yet
	running    map[string][]member // by service
}

// member is one container that the plan wants to be there.
type member struct{ id, name string }

// execute carries out the plan. When it fails, what it created is gone again.
func (r *Runtime) execute(ctx context.Context, pl *plan, log deploy.Log) error {
	x := newExecution(r, pl, log)
	for _, note := range pl.notes {
		log(note)
	}
	if err := x.run(ctx); err != nil {
		return x.undo(ctx, r.withLog(ctx, err))
	}
	return x.removeReplaced(ctx)
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
	if err := x.setAside(ctx); err != nil {
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

// createContainers makes all containers of the plan, without starting any. Those of one level are made at once; a later
// level may refer to them.
func (x *execution) createContainers(ctx context.Context) error {
	if err := x.freeNames(ctx); err != nil {
		return err
	}
	for _, level := range x.plan.levels {
		first := x.firstContainers()
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(concurrency)
		for _, sp := range level {
			for _, a := range sp.actions {
				if a.blueprint != nil {
					group.Go(func() error {
						if err := a.blueprint.resolve(sp.service, first); err != nil {
							return err
						}
						_, err := x.create(ctx, a.blueprint)
						return err
					})
				}
			}
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return nil
}

func (x *execution) create(ctx context.Context, b *blueprint) (string, error) {
	id, err := x.engine.createContainer(ctx, b)
	if id != "" {
		x.mu.Lock()
		x.containers = append(x.containers, id)
		x.made[b.Name] = id
		x.mu.Unlock()
	}
	return id, err
}

// createResources creates the networks and volumes that containers refer to by name.
func (x *execution) createResources(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(concurrency)
	for _, key := range x.plan.networks {
		group.Go(func() error { return x.createNetwork(ctx, key) })
	}
	for _, key := range x.plan.volumes {
		group.Go(func() error { return x.createVolume(ctx, key) })
	}
	return group.Wait()
}

func (x *execution) createNetwork(ctx context.Context, key string) error {
	name := x.plan.project.Networks[key].Name
	x.log("create network " + name)
	err := x.engine.make(ctx, "create network "+name, func(ctx context.Context) error {
		_, err := x.engine.client.NetworkCreate(ctx, name, x.plan.project.networkOptions(key))
		return err
	})
	if err == nil {
		x.mu.Lock()
		x.networks = append(x.networks, name)
		x.mu.Unlock()
	}
	return err
}

func (x *execution) createVolume(ctx context.Context, key string) error {
	options := x.plan.project.volumeOptions(key)
	x.log("create volume " + options.Name)
	err := x.engine.make(ctx, "create volume "+options.Name, func(ctx context.Context) error {
		_, err := x.engine.client.VolumeCreate(ctx, options)
		return err
	})
	if err == nil {
		x.mu.Lock()
		x.volumes = append(x.volumes, options.Name)
		x.mu.Unlock()
	}
	return err
}

// createContainer makes the container, joins it to all its networks and gives it its files; older engines take only the
// first network at creation. It returns the id also when something after the making fails.
func (e *Engine) createContainer(ctx context.Context, b *blueprint) (string, error) {
	atOnce := b.Networks
	if olderThan(e.api(), endpointAPI) {
		atOnce = atOnce[:min(1, len(atOnce))]
	}
	endpoints := &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{}}
	for _, n := range atOnce {
		endpoints.EndpointsConfig[n.Network] = n.Settings
	}
	var id string
	err := e.make(ctx, "create container "+b.Name, func(ctx context.Context) error {
		made, err := e.client.ContainerCreate(ctx, b.Config, b.Host, endpoints, b.Platform, b.Name)
		id = made.ID
		return err
	})
	if err != nil {
		return id, taken(err)
	}
	for _, n := range b.Networks[len(atOnce):] {
		err := e.do(ctx, fmt.Sprintf("connect container %s to network %s", b.Name, n.Network), func(ctx context.Context) error {
			return e.client.NetworkConnect(ctx, n.Network, id, n.Settings)
		})
		if err != nil {
			return id, err
		}
	}
	return id, e.copyFiles(ctx, id, b)
}

func (e *Engine) startContainer(ctx context.Context, id, name string) error {
	err := e.do(ctx, "start container "+name, func(ctx context.Context) error {
		return e.client.ContainerStart(ctx, id, container.StartOptions{})
	})
	if err != nil {
		return &containerError{id, taken(err)}
	}
	return nil
}
