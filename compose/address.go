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

// routerNetworks returns the names of the networks that the router's container is on; none when it is not one of
// ours or does not run.
func (r *Runtime) routerNetworks(ctx context.Context) (map[string]bool, error) {
	reach := map[string]bool{}
	if r.settings.Router == "" || r.settings.Address == AddressHost {
		return reach, nil
	}
	containers, err := r.engine.containersOf(ctx, r.settings.SharedProject())
	if err != nil {
		return nil, err
	}
	for _, c := range containers {
		if c.service != r.settings.Router || !c.running() {
			continue
		}
		i, err := r.engine.inspect(ctx, c.id)
		if err != nil {
			return nil, err
		}
		for name := range i.NetworkSettings.Networks {
			reach[name] = true
		}
	}
	return reach, nil
}

// address returns host:port at which the router reaches the container; empty when it cannot.
func (r *Runtime) address(slice deploy.Slice, c container.InspectResponse, reach map[string]bool) string {
	port := r.settings.Ports[slice]
	if r.settings.Address == AddressHost {
		return published(c, port)
	}
	if ip := addressOn(c, reach); ip != "" {
		return net.JoinHostPort(ip, strconv.Itoa(port))
	}
	return ""
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
