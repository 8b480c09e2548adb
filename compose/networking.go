package compose

import (
	"fmt"
	"maps"
	"net"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
)

// networkAttributes say whom the container can reach and who can reach it.
var networkAttributes = []attribute{
	{
		name:  "networks",
		parts: "aliases ipv4_address ipv6_address link_local_ips mac_address priority driver_opts use_service_name_alias",
		apply: mapNetworks,
	},
	{name: "networks.gw_priority", since: "1.48"},    // mapNetworks
	{name: "networks.interface_name", since: "1.49"}, // mapNetworks
	{name: "mac_address", apply: mapMAC},
	{name: "links external_links", apply: mapLinks},
	{name: "ports", parts: "host_ip target published protocol", apply: mapPorts},
	{name: "ports.mode ports.name ports.app_protocol", ignored: "one machine has one way to publish a port, and Compose ignores it too", quiet: true},
	{name: "expose", apply: mapExpose},
	{name: "extra_hosts", apply: mapHosts},
	{name: "dns dns_opt dns_search", apply: mapDNS},
}

// endpointAPI is the first Docker API that takes all networks at a container's creation and a MAC address for each.
const endpointAPI = "1.44"

// interfaceOption is the option by which the engine names the interface of a container in a network.
const interfaceOption = "com.docker.network.endpoint.ifname"

// mapNetworks joins the networks in the order of their priority. The first one is the container's own network mode; an
// address of the service itself belongs to it.
func mapNetworks(b *blueprint, s types.ServiceConfig) error {
	for _, key := range s.NetworksByPriority() {
		if err := b.checkEndpoint(s, key); err != nil {
			return err
		}
		if err := b.checkRoute(s, key); err != nil {
			return err
		}
		if b.project.leftToAttach(s, key) {
			continue
		}
		settings := b.endpoint(s, s.Networks[key])
		var err error
		if len(b.Networks) == 0 {
			err = b.firstMAC(s, settings)
		} else if settings.MacAddress != "" {
			err = b.needs(endpointAPI, s, "networks.mac_address", "of the second network "+key)
		}
		if err != nil {
			return err
		}
		b.Networks = append(b.Networks, attachment{b.project.Networks[key].Name, settings})
	}
	if len(b.Networks) > 0 {
		b.Host.NetworkMode = container.NetworkMode(b.Networks[0].Network)
	}
	return nil
}

// endpoint maps what the service says of one network; n is nil where it only names it.
func (b *blueprint) endpoint(s types.ServiceConfig, n *types.ServiceNetworkConfig) *network.EndpointSettings {
	settings := &network.EndpointSettings{Aliases: b.aliases(s, n), Links: b.links(s)}
	if n == nil {
		return settings
	}
	settings.IPAMConfig = &network.EndpointIPAMConfig{IPv4Address: n.Ipv4Address, IPv6Address: n.Ipv6Address, LinkLocalIPs: words(n.LinkLocalIPs...)}
	settings.MacAddress = n.MacAddress
	settings.GwPriority = n.GatewayPriority
	settings.DriverOpts = maps.Clone(n.DriverOpts)
	if n.InterfaceName != "" {
		if settings.DriverOpts == nil {
			settings.DriverOpts = map[string]string{}
		}
		settings.DriverOpts[interfaceOption] = n.InterfaceName
	}
	return settings
}

// aliases are the names that the container answers to in a network: its service's, its own and those of the file.
func (b *blueprint) aliases(s types.ServiceConfig, n *types.ServiceNetworkConfig) []string {
	names := []string{b.Name}
	if n.ServiceNameAliasEnabled() {
		names = append(names, s.Name)
	}
	if n != nil {
		names = append(names, n.Aliases...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// withoutNames leaves the container its own name alone: who asks for the service must not reach a job.
func (b *blueprint) withoutNames() {
	for _, n := range b.Networks {
		n.Settings.Aliases = []string{b.Name}
	}
}

// checkEndpoint refuses addresses that are none.
func (b *blueprint) checkEndpoint(s types.ServiceConfig, key string) error {
	n := s.Networks[key]
	if n == nil {
		return nil
	}
	for _, address := range words(append([]string{n.Ipv4Address, n.Ipv6Address}, n.LinkLocalIPs...)...) {
		if net.ParseIP(address) == nil {
			return b.project.mistake(s, "networks."+key, address+" is no address")
		}
	}
	return nil
}

// firstMAC gives the first network the service's MAC address, unless it has its own. Older engines know one address
// alone, that of the whole container.
func (b *blueprint) firstMAC(s types.ServiceConfig, first *network.EndpointSettings) error {
	if s.MacAddress != "" && first.MacAddress != "" && s.MacAddress != first.MacAddress {
		return b.project.mistake(s, "mac_address", fmt.Sprintf("it is %s, and that of the first network %s: they are one", s.MacAddress, first.MacAddress))
	}
	if first.MacAddress == "" {
		first.MacAddress = s.MacAddress
	}
	if olderThan(b.project.api, endpointAPI) {
		*onlyMAC(b.Config), first.MacAddress = first.MacAddress, ""
	}
	return b.checkMAC(s, first.MacAddress, *onlyMAC(b.Config))
}

// onlyMAC is where an engine before API 1.44 takes the one MAC address of a container.
func onlyMAC(c *container.Config) *string {
	//lint:ignore SA1019 these engines have no other place for it
	return &c.MacAddress //nolint:staticcheck // as above
}

func (b *blueprint) checkMAC(s types.ServiceConfig, addresses ...string) error {
	for _, address := range words(addresses...) {
		if _, err := net.ParseMAC(address); err != nil {
			return b.project.mistake(s, "mac_address", address+" is no hardware address")
		}
	}
	return nil
}

// mapMAC is about a service that has a network mode in place of networks: the engine's own bridge alone takes an
// address.
func mapMAC(b *blueprint, s types.ServiceConfig) error {
	switch {
	case s.MacAddress == "" || len(s.Networks) > 0:
		return nil
	case s.NetworkMode != "bridge":
		return b.refuse(s, "mac_address", "together with network_mode: "+s.NetworkMode, "only bridge takes one")
	case olderThan(b.project.api, endpointAPI):
		*onlyMAC(b.Config) = s.MacAddress
	default:
		b.Networks = []attachment{{"bridge", &network.EndpointSettings{MacAddress: s.MacAddress}}}
	}
	return b.checkMAC(s, s.MacAddress)
}
