package compose

import (
	"fmt"
	"net/netip"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/go-connections/nat"

	"verdigris/deploy"
)

// checkWay refuses a web service that the router could not tell from the other slice's one after a restart: where it has
// no place in a route network, only a port that is its slice's alone says which one answers.
func (r *Runtime) checkWay(p *project) error {
	web, ok := p.Services[r.settings.Web]
	if !ok || !p.slice.Production() {
		return nil
	}
	switch {
	case web.NetworkMode == "host":
		return r.checkHostPort(p, web)
	case !r.settings.hasRouteNetworks():
		return r.checkPublished(p, web)
	}
	if most := routeSubnet(netip.PrefixFrom(netip.IPv4Unspecified(), routeBits)).capacity(); web.GetScale() > most {
		return tooMany(web.GetScale(), most)
	}
	return nil
}

// checkHostPort is about a container in the network of the machine, which it shares with the other slice's.
func (r *Runtime) checkHostPort(p *project, web types.ServiceConfig) error {
	port := r.settings.Ports[p.slice]
	if other := p.slice.Other(); r.settings.Ports[other] == port {
		return &deploy.HintedError{
			Err: fmt.Errorf("service %s: network_mode: host (%s): both slices listen on port %d of this machine, so that whichever starts first would answer for both",
				web.Name, p.whereIs("service", web.Name, "network_mode"), port),
			Next: "give each slice a port of its own in verdigris.yml: web.ports.blue and web.ports.green",
		}
	}
	return nil
}

// checkPublished wants a published port that is the same after each start. Two slices that want the same one cannot run
// side by side, so that it is never the other's.
func (r *Runtime) checkPublished(p *project, web types.ServiceConfig) error {
	port := r.settings.Ports[p.slice]
	for _, published := range web.Ports {
		if int(published.Target) != port || published.Protocol != "tcp" {
			continue
		}
		first, last, err := nat.ParsePortRange(published.Published)
		if err == nil && first > 0 && last-first+1 == uint64(web.GetScale()) {
			return nil
		}
		return &deploy.HintedError{
			Err: fmt.Errorf("service %s: ports (%s): with web.address: host the router goes by the published port, and the engine chooses that of port %d at each start: after a restart it may be the other slice's",
				web.Name, p.whereIs("service", web.Name, "ports"), port),
			Next: fmt.Sprintf("publish a fixed port that no other slice has, e.g. \"127.0.0.1:%d:%d\", and for several containers a range of as many", 10000+port%10000, port),
		}
	}
	return &deploy.HintedError{
		Err:  fmt.Errorf("service %s does not publish port %d, and with web.address: host the router goes by the published port", web.Name, port),
		Next: "publish it in the compose file, or take web.address: host out of verdigris.yml",
	}
}
