package compose

import (
	"fmt"
	"maps"
	"net"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"
)

// hostGateway stands for the address of the machine, as the engine sees it.
const hostGateway = "host-gateway"

// mapHosts writes the names in a steady order and the addresses of one name in that of the file.
func mapHosts(b *blueprint, s types.ServiceConfig) error {
	b.Host.ExtraHosts = []string{}
	for _, name := range slices.Sorted(maps.Keys(s.ExtraHosts)) {
		for _, address := range s.ExtraHosts[name] {
			if address != hostGateway && net.ParseIP(address) == nil {
				return b.project.mistake(s, "extra_hosts", fmt.Sprintf("%s of %s is neither an address nor %s", address, name, hostGateway))
			}
			b.Host.ExtraHosts = append(b.Host.ExtraHosts, name+":"+address)
		}
	}
	return nil
}

func mapDNS(b *blueprint, s types.ServiceConfig) error {
	for _, server := range s.DNS {
		if net.ParseIP(server) == nil {
			return b.project.mistake(s, "dns", server+" is no address")
		}
	}
	b.Host.DNS = s.DNS
	b.Host.DNSOptions = s.DNSOpts
	b.Host.DNSSearch = s.DNSSearch
	return nil
}
