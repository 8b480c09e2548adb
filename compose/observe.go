package compose

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"golang.org/x/sync/errgroup"
)

// observation is what the engine has at one moment, as far as a plan needs it.
type observation struct {
	containers []found // of the project, one-off ones left out
	// others are the running containers of everybody else.
	others   []found
	networks []foundNetwork
	volumes  map[string]volume.Volume // every volume, by name
}

// foundNetwork is one network that the engine has. Older engines let several have one name.
type foundNetwork struct {
	id, name string
	labels   map[string]string
}

// found is one container that the engine has.
type found struct {
	id, name string
	service  string
	number   int
	config   string // what it was made from: the hash of verdigris
	hash     string // and that of Compose
	imageID  string
	state    string
	labels   map[string]string
	mounts   []container.MountPoint
	networks []string // ids of those that it is in
	// endpoints are its places in them, and mode its network mode: the first network's name, host, none or container:id.
	endpoints []endpoint
	mode      string
	ports     []container.Port
}

func (f found) running() bool { return f.state == "running" }

// ended tells that there is nothing to stop.
func (f found) ended() bool { return f.state == "exited" || f.state == "created" || f.state == "dead" }

// observe looks at everything that a plan for the project depends on.
func (e *Engine) observe(ctx context.Context, name string) (observation, error) {
	o := observation{volumes: map[string]volume.Volume{}}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		all, err := e.list(ctx, filters.NewArgs())
		for _, c := range all {
			o.sort(c, name)
		}
		return err
	})
	group.Go(func() error {
		return e.do(ctx, "list networks", func(ctx context.Context) error {
			networks, err := e.client.NetworkList(ctx, network.ListOptions{})
			for _, n := range networks {
				o.networks = append(o.networks, foundNetwork{n.ID, n.Name, n.Labels})
			}
			return err
		})
	})
	group.Go(func() error {
		return e.do(ctx, "list volumes", func(ctx context.Context) error {
			volumes, err := e.client.VolumeList(ctx, volume.ListOptions{})
			for _, v := range volumes.Volumes {
				o.volumes[v.Name] = *v
			}
			return err
		})
	})
	err := group.Wait()
	return o, err
}

// sort keeps a container where the plan for the project looks for it.
func (o *observation) sort(c found, project string) {
	switch {
	case c.labels[labelProject] != project:
		if c.running() {
			o.others = append(o.others, c)
		}
	case c.labels[labelOneOff] != "True":
		o.containers = append(o.containers, c)
	}
}

// containersOf returns the project's containers without the one-off ones, in the order of service and number.
func (e *Engine) containersOf(ctx context.Context, name string) ([]found, error) {
	return e.list(ctx, filters.NewArgs(filters.Arg("label", ownedBy(name)), filters.Arg("label", labelOneOff+"=False")))
}

func (e *Engine) list(ctx context.Context, args filters.Args) ([]found, error) {
	var list []found
	err := e.do(ctx, "list containers", func(ctx context.Context) error {
		containers, err := e.client.ContainerList(ctx, container.ListOptions{All: true, Filters: args})
		for _, c := range containers {
			list = append(list, newFound(c))
		}
		return err
	})
	sortFound(list)
	return list, err
}

func newFound(c container.Summary) found {
	number, _ := strconv.Atoi(c.Labels[labelNumber])
	name := c.ID
	if len(c.Names) > 0 {
		name = strings.TrimPrefix(c.Names[0], "/")
	}
	f := found{
		id: c.ID, name: name, service: c.Labels[labelService], number: number, config: c.Labels[labelConfig], hash: c.Labels[labelHash],
		imageID: c.ImageID, state: string(c.State), labels: c.Labels, mounts: c.Mounts, ports: c.Ports, mode: c.HostConfig.NetworkMode,
	}
	if c.NetworkSettings != nil {
		for name, at := range c.NetworkSettings.Networks {
			f.networks = append(f.networks, at.NetworkID)
			place := endpoint{network: name, id: at.NetworkID, address: at.IPAddress}
			if at.IPAMConfig != nil {
				place.fixed = at.IPAMConfig.IPv4Address
			}
			f.endpoints = append(f.endpoints, place)
		}
	}
	return f
}

// belongsTo says whose a container is, for people.
func (f found) belongsTo() string {
	if p := f.labels[labelProject]; p != "" {
		return fmt.Sprintf("container %s of project %s", f.name, p)
	}
	return "container " + f.name
}
