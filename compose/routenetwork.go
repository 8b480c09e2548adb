package compose

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"

	"verdigris/deploy"
)

// A route network joins the router with the web containers of one production slice, and with nothing else. On networks that
// the slices share, containers that restart in another order take over each other's addresses, and the router, which has
// addresses, would send the live slice's requests to the other one. No address of one route network is ever in the other.
//
// It is internal, so that it has no gateway and every container keeps its own default route; services have no name in it.

// labelRoute has the slice whose route network it is, labelPool the range that its subnet was cut from.
const (
	labelRoute = "verdigris.route"
	labelPool  = "verdigris.pool"
)

// routeNetwork is the route network of one slice as the engine has it.
type routeNetwork struct {
	id, name string
	// subnet has the places of web containers; it is not valid where somebody else made the network and left the addresses
	// to the engine.
	subnet netip.Prefix
	// surplus are the ids of others with the name.
	surplus []string
}

// RouteNetwork returns the name of the network between the router and the slice. It begins with the app's name and goes,
// in the order of the alphabet, after the networks that Compose makes for the app: where engines go by names, the app's
// own come first.
func (s Settings) RouteNetwork(slice deploy.Slice) string {
	return s.App + "-verdigris-" + string(slice)
}

// hasRouteNetworks reports whether the router goes by the containers' own addresses.
func (s Settings) hasRouteNetworks() bool { return s.Address != AddressHost }

// place is the address that web container number n has in the network; not valid where the engine hands them out.
func (n routeNetwork) place(number int) (netip.Addr, error) {
	if !n.subnet.IsValid() {
		return netip.Addr{}, nil
	}
	if most := routeSubnet(n.subnet).capacity(); number < 1 || number > most {
		return netip.Addr{}, tooMany(number, most)
	}
	return routeSubnet(n.subnet).place(number), nil
}

func tooMany(number, most int) error {
	return &deploy.HintedError{
		Err:  fmt.Errorf("the network between router and slice has room for %d web containers, not for number %d", most, number),
		Next: "run fewer replicas of the web service",
	}
}

// routeNetwork looks the slice's route network up among networks; nil when there is none. Of several with the name, which
// engines before 25 may have made at the same time, the oldest counts; the others are surplus.
func (r *Runtime) routeNetwork(networks []network.Summary, slice deploy.Slice) (n *routeNetwork, err error) {
	name := r.settings.RouteNetwork(slice)
	same := slices.DeleteFunc(slices.Clone(networks), func(n network.Summary) bool { return n.Name != name })
	if len(same) == 0 {
		return nil, nil
	}
	slices.SortFunc(same, func(a, b network.Summary) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	for _, one := range same {
		if err := r.refuseForeign(one); err != nil {
			return nil, err
		}
	}
	n = newRouteNetwork(same[0])
	for _, one := range same[1:] {
		n.surplus = append(n.surplus, one.ID)
	}
	return n, nil
}

// refuseForeign refuses a network that is another site's, or not of verdigris's making at all.
func (r *Runtime) refuseForeign(n network.Summary) error {
	other := n.Labels[labelDir]
	switch {
	case n.Labels[labelApp] == "" && n.Labels[labelProject] != r.settings.SharedProject():
		return &deploy.HintedError{
			Err:  fmt.Errorf("network %s is there and not of verdigris's making", n.Name),
			Next: "remove it: docker network rm " + n.Name,
		}
	case other != "" && other != r.settings.Dir && isAnother(other, r.settings.Dir):
		return &deploy.ConflictError{
			Reason: fmt.Sprintf("network %s belongs to the verdigris.yml in %s, not to the one in %s", n.Name, other, r.settings.Dir),
			Next:   fmt.Sprintf("work in %s, or give the app here another name", filepath.Clean(other)),
		}
	}
	return nil
}

func newRouteNetwork(n network.Summary) *routeNetwork {
	out := &routeNetwork{id: n.ID, name: n.Name}
	for _, c := range n.IPAM.Config {
		subnet, err := netip.ParsePrefix(c.Subnet)
		if err == nil && c.IPRange == routeSubnet(subnet).dynamic().String() {
			out.subnet = subnet
		}
	}
	return out
}

// listNetworks returns the networks whose names contain the text; all for an empty one.
func (e *Engine) listNetworks(ctx context.Context, text string) (list []network.Summary, err error) {
	var named filters.Args
	if text != "" {
		named = filters.NewArgs(filters.Arg("name", text))
	}
	err = e.do(ctx, "list networks", func(ctx context.Context) error {
		list, err = e.client.NetworkList(ctx, network.ListOptions{Filters: named})
		return err
	})
	return list, err
}

// subnets are the ranges of addresses that the networks have.
func subnets(networks []network.Summary) (used []netip.Prefix) {
	for _, n := range networks {
		for _, c := range n.IPAM.Config {
			if subnet, err := netip.ParsePrefix(c.Subnet); err == nil {
				used = append(used, subnet)
			}
		}
	}
	return used
}
