package compose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/go-connections/nat"
)

// mapPorts hands a range of host ports to the engine as it is: the engine takes the first that is free, so that each
// of several containers gets one.
func mapPorts(b *blueprint, s types.ServiceConfig) error {
	b.Host.PortBindings = nat.PortMap{}
	for _, p := range s.Ports {
		if err := b.checkPort(s, p); err != nil {
			return err
		}
		port := nat.Port(fmt.Sprintf("%d/%s", p.Target, p.Protocol))
		b.expose(port)
		b.Host.PortBindings[port] = append(b.Host.PortBindings[port], nat.PortBinding{HostIP: p.HostIP, HostPort: p.Published})
	}
	return nil
}

// checkPort refuses what the engine could not publish for every container of the service.
func (b *blueprint) checkPort(s types.ServiceConfig, p types.ServicePortConfig) error {
	refuse := func(format string, args ...any) error {
		return b.project.mistake(s, "ports", fmt.Sprintf(format, args...))
	}
	if p.Target < 1 || p.Target > 65535 {
		return refuse("%d is no port of the container (1 to 65535)", p.Target)
	}
	if !slices.Contains([]string{"tcp", "udp", "sctp"}, p.Protocol) {
		return refuse("port %d: protocol %s is none of tcp, udp, sctp", p.Target, p.Protocol)
	}
	if p.Published == "" {
		return nil
	}
	first, last, err := nat.ParsePortRange(p.Published)
	if err != nil || last > 65535 {
		return refuse("port %d: published %s is neither a port nor a range of ports", p.Target, p.Published)
	}
	if count := last - first + 1; first != 0 && count < uint64(max(1, s.GetScale())) {
		return refuse("each of %d containers wants port %s of the host: leave the host port out, publish a range of %d or run one container", s.GetScale(), p.Published, s.GetScale())
	}
	return nil
}

// mapExpose takes single ports and ranges, e.g. 3000-3005/udp.
func mapExpose(b *blueprint, s types.ServiceConfig) error {
	for _, entry := range s.Expose {
		ports, protocol, found := strings.Cut(entry, "/")
		if !found {
			protocol = "tcp"
		}
		first, last, err := nat.ParsePortRange(ports)
		if err != nil || last > 65535 {
			return b.project.mistake(s, "expose", entry+" is neither a port nor a range of ports")
		}
		for port := first; port <= last; port++ {
			b.expose(nat.Port(fmt.Sprintf("%d/%s", port, protocol)))
		}
	}
	return nil
}

func (b *blueprint) expose(port nat.Port) {
	if b.Config.ExposedPorts == nil {
		b.Config.ExposedPorts = nat.PortSet{}
	}
	b.Config.ExposedPorts[port] = struct{}{}
}
