package compose

import (
	"reflect"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"verdigris/deploy"
)

// Compose files may name the route networks, so that Docker Compose alone brings about what Attach does. Here they change
// nothing: Attach makes the networks, and joins the containers when they run. Files cannot say which addresses are free, and
// an engine that starts a container in several networks writes them into /etc/hosts in any order, and Engine 28 numbers
// the interfaces so.

// routeNetworks are the names of the route networks, and whose they are; none where the router goes by other addresses.
func (s Settings) routeNetworks() map[string]deploy.Slice {
	if !s.hasRouteNetworks() {
		return nil
	}
	return map[string]deploy.Slice{s.RouteNetwork(deploy.Blue): deploy.Blue, s.RouteNetwork(deploy.Green): deploy.Green}
}

// leftToAttach reports whether Attach joins the service's containers to the network of that key. A service with no other
// network is made in it, since it would be in the engine's own instead.
func (p *project) leftToAttach(s types.ServiceConfig, key string) bool {
	slice, route := p.routes[p.Networks[key].Name]
	if !route || p.slice != "" && p.slice != slice || s.Name != p.attached() {
		return false
	}
	for other := range s.Networks {
		if _, route := p.routes[p.Networks[other].Name]; !route {
			return true
		}
	}
	return false
}

// attached is the service whose containers Attach joins to route networks: the router, or the web service of a slice or the
// one whose network that uses.
func (p *project) attached() string {
	name := p.web
	if p.slice == "" {
		name = p.router
	}
	for range p.Services {
		other, shares := strings.CutPrefix(p.Services[name].NetworkMode, types.ServicePrefix)
		if !shares {
			break
		}
		name = other
	}
	return name
}

// checkRoute refuses what a file cannot ask of a route network.
func (b *blueprint) checkRoute(s types.ServiceConfig, key string) error {
	p := b.project
	name := p.Networks[key].Name
	slice, route := p.routes[name]
	switch {
	case !route:
		return nil
	case p.slice != "" && p.slice != slice:
		return b.refuse(s, "networks."+key, name, "it is for the router and the web containers of "+string(slice)+" alone")
	case p.leftToAttach(s, key) && asksForMore(s.Networks[key]):
		return b.refuse(s, "networks."+key, "more than a priority", "verdigris chooses the addresses in "+name+", and nobody has a name there")
	}
	return nil
}

// asksForMore reports whether there are settings that do not only say which network comes first.
func asksForMore(n *types.ServiceNetworkConfig) bool {
	if n == nil {
		return false
	}
	rest := *n
	rest.Priority, rest.GatewayPriority = 0, 0
	return !reflect.DeepEqual(rest, types.ServiceNetworkConfig{})
}
