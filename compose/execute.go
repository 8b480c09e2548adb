package compose

import (
	"context"
	"fmt"
	"sync"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"golang.org/x/sync/errgroup"

	"verdigris/deploy"
)

// execution carries out one plan and remembers what it made, to take it away again when the plan fails.
type execution struct {
	*Runtime
	plan *plan
	log  deploy.Log

	mu         sync.Mutex
	containers []string            // ids that were created
	networks   []string            // names that were created
	volumes    []string            // names that were created
	replaced   []found             // stopped and set aside until the plan has succeeded
	running    map[string][]member // by service
}

// member is one container that the plan wants to be there.
type member struct{ id, name string }

// execute carries out the plan. When it fails, what it created is gone again.
func (r *Runtime) execute(ctx context.Context, pl *plan, log deploy.Log) error {
	x := &execution{Runtime: r, plan: pl, log: log, running: map[string][]member{}}
	for _, note := range pl.notes {
		log(note)
	}
	if err := x.run(ctx); err != nil {
		return x.undo(ctx, r.withLog(ctx, err))
	}
	return x.removeReplaced(ctx)
}

func (x *execution) run(ctx context.Context) error {
	if err := x.createResources(ctx); err != nil {
		return err
	}
	for _, a := range x.plan.removals {
		if err := x.act(ctx, "", a); err != nil {
			return err
		}
	}
	for _, level := range x.plan.levels {
		group, ctx := errgroup.WithContext(ctx)
		for _, sp := range level {
			group.Go(func() error { return x.converge(ctx, sp) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return x.awaitAll(ctx)
}

// converge brings one service to where the plan wants it.
func (x *execution) converge(ctx context.Context, sp servicePlan) error {
	for _, d := range sp.waits {
		if err := x.awaitDependency(ctx, d); err != nil {
			return err
		}
	}
	for _, a := range sp.actions {
		if err := x.act(ctx, sp.service.Name, a); err != nil {
			return err
		}
	}
	return nil
}

func (x *execution) act(ctx context.Context, service string, a action) error {
	if a.verb != keep {
		x.log(a.String())
	}
	var err error
	id := ""
	if a.old != nil {
		id = a.old.id
	}
	switch a.verb {
	case remove:
		return x.setAside(ctx, *a.old)
	case restart:
		err = x.engine.stopContainer(ctx, *a.old)
	case replace:
		err = x.setAside(ctx, *a.old)
	}
	if err == nil && a.blueprint != nil {
		id, err = x.create(ctx, a.blueprint)
	}
	if err == nil && a.verb != keep {
		err = x.engine.startContainer(ctx, id, a.name)
	}
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.running[service] = append(x.running[service], member{id, a.name})
	return nil
}

func (x *execution) create(ctx context.Context, b *blueprint) (string, error) {
	id, err := x.engine.createContainer(ctx, b)
	if id != "" {
		x.mu.Lock()
		x.containers = append(x.containers, id)
		x.mu.Unlock()
	}
	return id, err
}

// createResources creates the networks and volumes that containers refer to by name.
func (x *execution) createResources(ctx context.Context) error {
	for _, key := range x.plan.networks {
		if err := x.createNetwork(ctx, key); err != nil {
			return err
		}
	}
	for _, key := range x.plan.volumes {
		if err := x.createVolume(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

func (x *execution) createNetwork(ctx context.Context, key string) error {
	name := x.plan.project.Networks[key].Name
	x.log("create network " + name)
	err := x.engine.make(ctx, "create network "+name, func(ctx context.Context) error {
		_, err := x.engine.client.NetworkCreate(ctx, name, x.plan.project.networkOptions(key))
		return err
	})
	if err == nil {
		x.networks = append(x.networks, name)
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
		x.volumes = append(x.volumes, options.Name)
	}
	return err
}

// createContainer makes the container and joins it to all its networks. It returns the id also when joining fails.
func (e *Engine) createContainer(ctx context.Context, b *blueprint) (string, error) {
	var first *network.NetworkingConfig
	if len(b.Networks) > 0 {
		first = &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{b.Networks[0].Network: b.Networks[0].Settings}}
	}
	var id string
	err := e.make(ctx, "create container "+b.Name, func(ctx context.Context) error {
		made, err := e.client.ContainerCreate(ctx, b.Config, b.Host, first, nil, b.Name)
		id = made.ID
		return err
	})
	if err != nil {
		return id, taken(err)
	}
	for _, n := range b.Networks[min(1, len(b.Networks)):] {
		err := e.do(ctx, fmt.Sprintf("connect container %s to network %s", b.Name, n.Network), func(ctx context.Context) error {
			return e.client.NetworkConnect(ctx, n.Network, id, n.Settings)
		})
		if err != nil {
			return id, err
		}
	}
	return id, nil
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
