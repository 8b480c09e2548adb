package compose

import (
	"context"
	"fmt"
	"slices"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/filters"

	"verdigris/deploy"
)

// Where compose files name the route networks, Docker Compose may have made them. In such a network the engine hands out all
// addresses and grants nobody a certain one, so that no web container can have a place. No address is in the other slice's
// network there either, but after a restart the router may not know where the slice is until verdigris has looked.

// renewRouteNetworks puts networks with places where there are some without. A slice that is about to be started has no
// requests. Of others that is not known here: they keep theirs while a web container runs in it, until their next release.
func (r *Runtime) renewRouteNetworks(ctx context.Context, starting deploy.Slice, log deploy.Log) error {
	if !r.settings.hasRouteNetworks() {
		return nil
	}
	r.attaching.Lock()
	defer r.attaching.Unlock()
	networks, err := r.engine.listNetworks(ctx, r.settings.RouteNetwork(""))
	if err != nil {
		return err
	}
	for _, slice := range []deploy.Slice{deploy.Blue, deploy.Green} {
		if starting != "" && starting != slice {
			continue
		}
		n, err := r.routeNetwork(networks, slice)
		if err == nil && n != nil && !n.subnet.IsValid() {
			err = r.renew(ctx, *n, slice, starting == slice, log)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// renew makes the slice's network again, unless somebody is in it who could miss it: one whom Attach does not join to the
// new one, or a web container that runs in a slice that may be live.
func (r *Runtime) renew(ctx context.Context, n routeNetwork, slice deploy.Slice, idle bool, log deploy.Log) error {
	members, err := r.engine.list(ctx, filters.NewArgs(filters.Arg("network", n.id), filters.Arg("network", n.name)))
	if err != nil {
		return err
	}
	own, err := r.engine.containersOf(ctx, r.settings.Project(slice))
	if err != nil {
		return err
	}
	for _, c := range members {
		if !r.isRouter(c) && !(r.answers(c, own) && (idle || c.ended())) {
			return nil
		}
	}
	for _, c := range members {
		if err := r.engine.leaveAll(ctx, n, c, log); err != nil {
			return err
		}
	}
	if err := r.engine.removeNetwork(ctx, n.id); err != nil {
		return err
	}
	log(fmt.Sprintf("remove network %s, in which no container can have a fixed address", n.name))
	if len(n.surplus) > 0 {
		return nil // one of them counts now
	}
	if _, err = r.makeRouteNetwork(ctx, slice, nil, log); errdefs.IsConflict(err) {
		return nil // another process has made it meanwhile
	}
	return err
}

func (r *Runtime) isRouter(c found) bool {
	return c.service != "" && c.service == r.settings.Router && c.labels[labelProject] == r.settings.SharedProject()
}

// answers reports whether the container is a web container of the slice, or one whose network such a one uses. Those that
// are set aside count.
func (r *Runtime) answers(c found, own []found) bool {
	return slices.ContainsFunc(own, func(web found) bool { return web.service == r.settings.Web && ownerOf(web, own).id == c.id })
}

// leaveAll disconnects a container from the route network and all others of its name.
func (e *Engine) leaveAll(ctx context.Context, n routeNetwork, c found, log deploy.Log) error {
	for _, at := range c.endpoints {
		if at.network != n.name {
			continue
		}
		if err := e.leave(ctx, n, at, c, log); err != nil {
			return err
		}
	}
	return nil
}
