package compose

import (
	"context"
	"crypto/rand"
	"fmt"
	"iter"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/network"

	"verdigris/deploy"
)

// picks is how often something is tried that another process may come between: the making of a network whose range the
// engine has just called free, and the joining of containers.
const picks = 5

// pickLeft is the age at which a network that was made to learn of a free range has been left by a process that was killed.
const pickLeft = time.Minute

// What engines say of a range that is taken, and of having none left. Those from 27 on say the second of each.
var (
	rangeTaken = regexp.MustCompile(`[Pp]ool overlaps with other one|overlapping IPv4`)
	rangesGone = regexp.MustCompile(`non-overlapping IPv4 address pool|all predefined address pools have been fully subnetted`)
)

// addRouteNetwork makes the slice's route network, and returns the one that counts where another process has made one too.
func (r *Runtime) addRouteNetwork(ctx context.Context, slice deploy.Slice, wanted []netip.Prefix, log deploy.Log) (*routeNetwork, error) {
	made, err := r.makeRouteNetwork(ctx, slice, wanted, log)
	if err != nil {
		return nil, err
	}
	all, err := r.engine.listNetworks(ctx, made.name)
	if err != nil {
		return nil, err
	}
	n, err := r.routeNetwork(all, slice)
	if n == nil && err == nil {
		err = fmt.Errorf("network %s is gone again", made.name)
	}
	return n, err
}

// makeRouteNetwork creates the slice's route network. Its subnet is one of the wanted ones if it can be had, since
// containers have addresses there. Else it is cut from the pool of the settings or, without one, from a pool that another
// route network was cut from, or from a range that the engine calls free.
func (r *Runtime) makeRouteNetwork(ctx context.Context, slice deploy.Slice, wanted []netip.Prefix, log deploy.Log) (*routeNetwork, error) {
	all, err := r.engine.listNetworks(ctx, "")
	if err != nil {
		return nil, err
	}
	for subnet, pool := range r.candidates(wanted, all) {
		n, err := r.createRouteNetwork(ctx, slice, subnet, pool, log)
		if err == nil || !rangeTaken.MatchString(err.Error()) {
			return n, err
		}
	}
	if r.settings.Pool.IsValid() {
		return nil, noRange(fmt.Errorf("no subnet of network_pool %s is free", r.settings.Pool))
	}
	for range picks {
		var pool netip.Prefix
		if pool, err = r.pickRange(ctx, slice); err != nil {
			return nil, err
		}
		var n *routeNetwork
		n, err = r.createRouteNetwork(ctx, slice, firstSubnet(pool), pool, log)
		if err == nil || !rangeTaken.MatchString(err.Error()) {
			return n, err
		}
	}
	return nil, noRange(err)
}

// candidates are subnets that may be free, each with the pool that it is cut from.
func (r *Runtime) candidates(wanted []netip.Prefix, all []network.Summary) iter.Seq2[netip.Prefix, netip.Prefix] {
	used := subnets(all)
	return func(yield func(subnet, pool netip.Prefix) bool) {
		for _, subnet := range wanted {
			if !slices.ContainsFunc(used, subnet.Overlaps) && !yield(subnet, subnet) {
				return
			}
		}
		for _, pool := range r.pools(all) {
			for subnet := range freeSubnets(pool, used) {
				if !yield(subnet, pool) {
					return
				}
			}
		}
	}
}

// pools are the ranges that subnets are cut from.
func (r *Runtime) pools(all []network.Summary) (pools []netip.Prefix) {
	if r.settings.Pool.IsValid() {
		return []netip.Prefix{r.settings.Pool}
	}
	for _, n := range all {
		if pool, err := netip.ParsePrefix(n.Labels[labelPool]); err == nil && pool.Addr().Is4() && !slices.Contains(pools, pool) {
			pools = append(pools, pool)
		}
	}
	return pools
}

func noRange(err error) error {
	return &deploy.HintedError{
		Err:  fmt.Errorf("no addresses for the network between router and slice: %w", err),
		Next: "remove networks that nobody uses (docker network prune), or name a free range in verdigris.yml: network_pool: 10.231.0.0/16",
	}
}

// pickRange has the engine make a network for a moment, and returns which range it took for it.
func (r *Runtime) pickRange(ctx context.Context, slice deploy.Slice) (netip.Prefix, error) {
	name := r.settings.RouteNetwork(slice) + "-pick-"
	left, err := r.engine.listNetworks(ctx, name)
	if err != nil {
		return netip.Prefix{}, err
	}
	name += strings.ToLower(rand.Text())
	for _, n := range left {
		if time.Since(n.Created) < pickLeft {
			continue // another process is about to remove it
		}
		if err := r.engine.removeNetwork(ctx, n.ID); err != nil {
			return netip.Prefix{}, err
		}
	}
	labels := map[string]string{labelApp: r.settings.App, labelDir: r.settings.Dir, labelProject: r.settings.SharedProject()}
	id, err := r.engine.createNetwork(ctx, name, network.CreateOptions{Driver: "bridge", Internal: true, Labels: labels})
	if err != nil {
		if rangesGone.MatchString(err.Error()) {
			err = noRange(err)
		}
		return netip.Prefix{}, err
	}
	made, err := r.engine.inspectNetwork(ctx, id)
	if gone := r.engine.removeNetwork(context.WithoutCancel(ctx), id); err == nil {
		err = gone
	}
	if err != nil {
		return netip.Prefix{}, err
	}
	for _, subnet := range subnets([]network.Summary{made}) {
		if subnet.Addr().Is4() {
			return subnet.Masked(), nil
		}
	}
	return netip.Prefix{}, fmt.Errorf("network %s got no IPv4 addresses from the engine", name)
}

func (r *Runtime) createRouteNetwork(ctx context.Context, slice deploy.Slice, subnet, pool netip.Prefix, log deploy.Log) (*routeNetwork, error) {
	s := routeSubnet(subnet)
	name := r.settings.RouteNetwork(slice)
	id, err := r.engine.createNetwork(ctx, name, network.CreateOptions{
		Driver: "bridge", Internal: true, Labels: r.routeLabels(slice, pool),
		IPAM: &network.IPAM{Driver: "default", Config: []network.IPAMConfig{{
			Subnet: subnet.String(), IPRange: s.dynamic().String(), Gateway: s.gateway().String(),
		}}},
	})
	if err != nil {
		return nil, err
	}
	log(fmt.Sprintf("create network %s (%s)", name, subnet))
	return &routeNetwork{id: id, name: name, subnet: subnet}, nil
}

// routeLabels have Compose take the network for one of the shared project.
func (r *Runtime) routeLabels(slice deploy.Slice, pool netip.Prefix) map[string]string {
	return map[string]string{
		labelProject: r.settings.SharedProject(), labelNetwork: "verdigris-" + string(slice), labelVersion: composeVersion,
		labelApp: r.settings.App, labelDir: r.settings.Dir, labelRoute: string(slice), labelPool: pool.String(),
	}
}

func (e *Engine) createNetwork(ctx context.Context, name string, options network.CreateOptions) (id string, err error) {
	err = e.make(ctx, "create network "+name, func(ctx context.Context) error {
		made, err := e.client.NetworkCreate(ctx, name, options)
		id = made.ID
		return err
	})
	return id, err
}

func (e *Engine) inspectNetwork(ctx context.Context, id string) (n network.Inspect, err error) {
	err = e.do(ctx, "inspect network "+id, func(ctx context.Context) error {
		n, err = e.client.NetworkInspect(ctx, id, network.InspectOptions{})
		return err
	})
	return n, err
}
