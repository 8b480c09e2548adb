package compose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"
)

// networkAttributes say whom the container can reach and who can reach it.
var networkAttributes = []attribute{
	{name: "networks", parts: "aliases ipv4_address ipv6_address link_local_ips priority driver_opts use_service_name_alias", apply: mapNetworks},
	{name: "network_mode", apply: mapNetworkMode},
	{name: "ports", parts: "name mode host_ip target published protocol app_protocol", apply: mapPorts},
	{name: "expose", apply: mapExpose},
	{name: "extra_hosts dns dns_opt dns_search", apply: mapNames},
}

// mapNetworks joins the networks in the order of their priority; in each the container answers to its service's
// name, its own name and the aliases.
func mapNetworks(b *blueprint, s types.ServiceConfig) error {
	for _, key := range s.NetworksByPriority() {
		settings := &network.EndpointSettings{}
		if s.Networks[key].ServiceNameAliasEnabled() {
			settings.Aliases = append(settings.Aliases, s.Name)
		}
		settings.Aliases = append(settings.Aliases, b.Name)
		if n := s.Networks[key]; n != nil {
			settings.Aliases = append(settings.Aliases, n.Aliases...)
			settings.DriverOpts = n.DriverOpts
			if n.Ipv4Address != "" || n.Ipv6Address != "" || len(n.LinkLocalIPs) > 0 {
				settings.IPAMConfig = &network.EndpointIPAMConfig{
					IPv4Address: n.Ipv4Address, IPv6Address: n.Ipv6Address, LinkLocalIPs: n.LinkLocalIPs,
				}
			}
		}
		slices.Sort(settings.Aliases)
		settings.Aliases = slices.Compact(settings.Aliases)
		b.Networks = append(b.Networks, attachment{b.project.Networks[key].Name, settings})
	}
	if len(b.Networks) > 0 {
		b.Host.NetworkMode = container.NetworkMode(b.Networks[0].Network)
	}
	return nil
}

func mapNetworkMode(b *blueprint, s types.ServiceConfig) error {
	if strings.HasPrefix(s.NetworkMode, types.ServicePrefix) {
		return unsupported(s, "network_mode: "+s.NetworkMode)
	}
	if s.NetworkMode != "" {
		b.Host.NetworkMode = container.NetworkMode(s.NetworkMode)
	}
	return nil
}

func mapPorts(b *blueprint, s types.ServiceConfig) error {
	for _, p := range s.Ports {
		if s.GetScale() > 1 && p.Published != "" && !strings.Contains(p.Published, "-") {
			return fmt.Errorf("service %s wants %d containers and each of them port %s of the host: leave the host port out or run one container", s.Name, s.GetScale(), p.Published)
		}
		port := nat.Port(fmt.Sprintf("%d/%s", p.Target, p.Protocol))
		b.expose(port)
		if b.Host.PortBindings == nil {
			b.Host.PortBindings = nat.PortMap{}
		}
		b.Host.PortBindings[port] = append(b.Host.PortBindings[port], nat.PortBinding{HostIP: p.HostIP, HostPort: p.Published})
	}
	return nil
}

func mapExpose(b *blueprint, s types.ServiceConfig) error {
	for _, port := range s.Expose {
		if !strings.Contains(port, "/") {
			port += "/tcp"
		}
		b.expose(nat.Port(port))
	}
	return nil
}

func (b *blueprint) expose(port nat.Port) {
	if b.Config.ExposedPorts == nil {
		b.Config.ExposedPorts = nat.PortSet{}
	}
	b.Config.ExposedPorts[port] = struct{}{}
}

func mapNames(b *blueprint, s types.ServiceConfig) error {
	b.Host.ExtraHosts = s.ExtraHosts.AsList(":")
	slices.Sort(b.Host.ExtraHosts)
	b.Host.DNS = s.DNS
	b.Host.DNSOptions = s.DNSOpts
	b.Host.DNSSearch = s.DNSSearch
	return nil
}
