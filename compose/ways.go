package compose

import (
	"context"
	"net"
	"slices"
	"strconv"

	"verdigris/deploy"
)

// Ways says in which networks the slice's running web containers are, and the router, so that an error can name them.
func (r *Runtime) Ways(ctx context.Context, slice deploy.Slice) ([]deploy.Way, error) {
	shared, err := r.engine.containersOf(ctx, r.settings.SharedProject())
	if err != nil {
		return nil, err
	}
	own, err := r.engine.containersOf(ctx, r.settings.Project(slice))
	if err != nil {
		return nil, err
	}
	var router []string
	for _, c := range shared {
		if c.service == r.settings.Router && c.service != "" && c.running() {
			router = append(router, ownerOf(c, shared).networkNames()...)
		}
	}
	var ways []deploy.Way
	for _, c := range own {
		if c.service != r.settings.Web || !c.running() {
			continue
		}
		way := deploy.Way{Container: c.name, Addresses: map[string]string{}, Router: router}
		for _, at := range ownerOf(c, own).endpoints {
			if at.address != "" {
				way.Addresses[at.network] = net.JoinHostPort(at.address, strconv.Itoa(r.settings.Ports[slice]))
			}
		}
		ways = append(ways, way)
	}
	return ways, nil
}

// networkNames are the networks that the container is in, the machine's own among them.
func (f found) networkNames() (names []string) {
	if f.mode == "host" {
		return []string{"host"}
	}
	for _, at := range f.endpoints {
		names = append(names, at.network)
	}
	slices.Sort(names)
	return names
}
