package compose

import (
	"context"
	"fmt"

	"github.com/docker/docker/api/types/network"
	"golang.org/x/sync/errgroup"
)

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
	var id string
	err := x.engine.make(ctx, "create network "+name, func(ctx context.Context) error {
		made, err := x.engine.client.NetworkCreate(ctx, name, x.plan.project.networkOptions(key))
		id = made.ID
		return err
	})
	if err == nil {
		x.mu.Lock()
		x.networks = append(x.networks, id)
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
