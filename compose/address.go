package compose

import (
	"context"
	"maps"
	"net"
	"slices"
	"strconv"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/go-connections/nat"

	"verdigris/deploy"
)

// reach says by which networks the router reaches a slice.
type reach struct {
	// network is the slice's route network; empty where it has none.
	network string
	// others are the names of the networks that the router's container is in; none when it is not one of ours or does not
	// run. They count where there is no route network.
	others map[string]bool
}

// reach looks at how the router reaches the slice.
func (r *Runtime) reach(ctx context.Context, slice deploy.Slice) (reach, error) {
	out := reach{others: map[string]bool{}}
	if r.settings.Address == AddressHost {
		return out, nil
	}
	if slice.Production() {
		networks, err := r.engine.listNetworks(ctx, r.settings.RouteNetwork(slice))
		if err != nil {
			return out, err
		}
		n, err := r.routeNetwork(networks, slice)
		if err != nil {
			return out, err
		}
		if n != nil {
			joined, err := r.routerJoined(ctx, *n)
			if err != nil || joined {
				out.network = n.name
				return out, err
			}
		}
	}
	return out, r.routerNetworks(ctx, out.others)
}

// routerJoined reports whether the slice is to be reached by its route network alone. A router that others have made may
// not have been connected to it yet; that it has shows by a member that is none of the app's containers.
func (r *Runtime) routerJoined(ctx context.Context, n routeNetwork) (bool, error) {
	if !r.settings.RouterElsewhere {
		return true, nil
	}
	now, err := r.engine.inspectNetwork(ctx, n.id)
	if err != nil {
		return false, err
	}
	for id := range now.Containers {
		c, err := r.engine.inspect(ctx, id)
		if err == nil && !slices.Contains(r.settings.projects(), c.Config.Labels[labelProject]) {
			return true, nil
		}
	}
	return false, nil
}

// routerNetworks notes the names of the networks that the router's container is in.
func (r *Runtime) routerNetworks(ctx context.Context, names map[string]bool) error {
	if r.settings.Router == "" {
		return nil
	}
	containers, err := r.engine.containersOf(ctx, r.settings.SharedProject())
	if err != nil {
		return err
	}
	for _, c := range containers {
		if c.service == r.settings.Router && c.running() {
			for _, at := range c.endpoints {
				names[at.network] = true
			}
		}
	}
	return nil
}

// address returns host:port at which the router reaches the container; empty when it cannot.
func (r *Runtime) address(ctx context.Context, slice deploy.Slice, c container.InspectResponse, way reach) (string, error) {
	port := r.settings.Ports[slice]
	if r.settings.Address == AddressHost {
		return published(c, port), nil
	}
	if id := c.HostConfig.NetworkMode.ConnectedContainer(); id != "" {
		owner, err := r.engine.inspect(ctx, id)
		if err != nil {
			return "", err
		}
		c = owner
	}
	ip := addressOn(c, way.others)
	if at := c.NetworkSettings.Networks[way.network]; way.network != "" && !c.HostConfig.NetworkMode.IsHost() {
		ip = ""
		if at != nil {
			ip = at.IPAddress
		}
	}
	if ip == "" {
		return "", nil
	}
	return net.JoinHostPort(ip, strconv.Itoa(port)), nil
}

// addressOn returns the container's address on one of the preferred networks, else on any.
func addressOn(c container.InspectResponse, preferred map[string]bool) string {
	fallback := ""
	for _, name := range slices.Sorted(maps.Keys(c.NetworkSettings.Networks)) {
		ip := c.NetworkSettings.Networks[name].IPAddress
		if ip != "" && preferred[name] {
			return ip
		}
		if fallback == "" {
			fallback = ip
		}
	}
	if fallback == "" && c.HostConfig.NetworkMode.IsHost() {
		return "127.0.0.1"
	}
	return fallback
}

// published returns where the container's port can be reached on this machine.
func published(c container.InspectResponse, port int) string {
	if c.HostConfig.NetworkMode.IsHost() {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	}
	bindings := c.NetworkSettings.Ports[nat.Port(strconv.Itoa(port)+"/tcp")]
	if len(bindings) == 0 {
		return ""
	}
	host := bindings[0].HostIP
	if everywhere(host) {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, bindings[0].HostPort)
}
