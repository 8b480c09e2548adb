package compose

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/network"

	"verdigris/deploy"
)

// endpoint is a container's place in a network.
type endpoint struct {
	network string // its name
	id      string // the network's
	address string // empty while the container does not run
	fixed   string // the address that it was given for good; empty where the engine chooses
}

// Attach makes the networks between the router and the production slices where they are missing, and joins the router and
// the web containers to them. What is as it should be is not touched, and no container is restarted, so that it may be
// called at any time: after verdigris has changed something, and after anybody else may have.
func (r *Runtime) Attach(ctx context.Context, log deploy.Log) error {
	if !r.settings.hasRouteNetworks() {
		return nil
	}
	r.attaching.Lock()
	defer r.attaching.Unlock()
	var err error
	for range picks {
		if err = r.attach(ctx, log); err == nil || !madeMeanwhile.MatchString(err.Error()) {
			return err
		}
	}
	return err
}

// madeMeanwhile is what engines say of a network, or of a container's place in one, that another process has made since
// they were looked at: verdigris up beside verdigris serve.
var madeMeanwhile = regexp.MustCompile(`network with name \S+ already exists|endpoint with name \S+ already exists in network`)

func (r *Runtime) attach(ctx context.Context, log deploy.Log) error {
	shared, err := r.engine.containersOf(ctx, r.settings.SharedProject())
	if err != nil {
		return err
	}
	networks, err := r.engine.listNetworks(ctx, r.settings.RouteNetwork(""))
	if err != nil {
		return err
	}
	var errs []error
	for _, slice := range []deploy.Slice{deploy.Blue, deploy.Green} {
		errs = append(errs, r.attachSlice(ctx, slice, shared, networks, log))
	}
	return errors.Join(errs...)
}

// attachSlice joins what belongs there to the route network of one slice.
func (r *Runtime) attachSlice(ctx context.Context, slice deploy.Slice, shared []found, networks []network.Summary, log deploy.Log) error {
	own, err := r.engine.containersOf(ctx, r.settings.Project(slice))
	if err != nil {
		return err
	}
	if err := refuseElsewhere(r.settings.Project(slice), r.settings.Dir, own); err != nil {
		return err
	}
	n, err := r.routeNetwork(networks, slice)
	if err == nil && n == nil {
		n, err = r.addRouteNetwork(ctx, slice, subnetsIn(own, r.settings.RouteNetwork(slice)), log)
	}
	if err != nil {
		return err
	}
	var errs []error
	for _, web := range own {
		if web.service == r.settings.Web && !web.setAside() {
			errs = append(errs, r.attachWeb(ctx, *n, web, own, log))
		}
	}
	for _, c := range shared {
		if c.service == r.settings.Router && c.service != "" && !c.setAside() {
			errs = append(errs, r.engine.join(ctx, *n, ownerOf(c, shared), netip.Addr{}, log))
		}
	}
	for _, id := range n.surplus { // which fails as long as somebody is in it
		errs = append(errs, r.engine.removeNetwork(ctx, id))
	}
	return errors.Join(errs...)
}

// attachWeb joins a web container at the place of its number.
func (r *Runtime) attachWeb(ctx context.Context, n routeNetwork, web found, own []found, log deploy.Log) error {
	place, err := n.place(web.number)
	if err != nil {
		return fmt.Errorf("connect container %s to network %s: %w", web.name, n.name, err)
	}
	return r.engine.join(ctx, n, ownerOf(web, own), place, log)
}

// ownerOf returns the container whose network the container uses: another one with network_mode service: or container:.
func ownerOf(c found, all []found) found {
	id, shares := strings.CutPrefix(c.mode, "container:")
	for _, other := range all {
		if shares && (other.id == id || other.name == id) {
			return other
		}
	}
	return c
}

// join connects a container to a route network, at the address if one is given. Where it is already, it is left alone. A
// container that has no network of its own, or the machine's, cannot be in any other.
func (e *Engine) join(ctx context.Context, n routeNetwork, c found, address netip.Addr, log deploy.Log) error {
	if c.mode == "host" || c.mode == "none" || strings.HasPrefix(c.mode, "container:") {
		return nil
	}
	for _, at := range c.endpoints {
		switch {
		case at.network != n.name:
			continue
		case at.id == n.id && (!address.IsValid() || at.fixed == address.String()):
			return nil
		}
		if err := e.leave(ctx, n, at, c, log); err != nil {
			return err
		}
	}
	settings, where := &network.EndpointSettings{}, ""
	if address.IsValid() {
		settings.IPAMConfig = &network.EndpointIPAMConfig{IPv4Address: address.String()}
		where = " at " + address.String()
	}
	err := e.make(ctx, fmt.Sprintf("connect container %s to network %s%s", c.name, n.name, where), func(ctx context.Context) error {
		return gone(e.client.NetworkConnect(ctx, n.id, c.id, settings))
	})
	if err == nil {
		log(fmt.Sprintf("connect %s to network %s%s", c.name, n.name, where))
	}
	return err
}

// leave disconnects a container from the route network, from a surplus one, or from one that is gone: then the engine goes
// by the name, which it finds by the id of the one that is there.
func (e *Engine) leave(ctx context.Context, n routeNetwork, at endpoint, c found, log deploy.Log) error {
	id := n.id
	if slices.Contains(n.surplus, at.id) {
		id = at.id
	}
	err := e.make(ctx, fmt.Sprintf("disconnect container %s from network %s", c.name, n.name), func(ctx context.Context) error {
		return gone(e.client.NetworkDisconnect(ctx, id, c.id, true))
	})
	if err == nil {
		log(fmt.Sprintf("disconnect %s from network %s", c.name, n.name))
	}
	return err
}

// subnetsIn are the subnets in which the containers have places of a route network that is gone.
func subnetsIn(containers []found, name string) (list []netip.Prefix) {
	for _, c := range containers {
		for _, at := range c.endpoints {
			if address, err := netip.ParseAddr(at.fixed); err == nil && at.network == name && address.Is4() {
				list = append(list, netip.PrefixFrom(address, routeBits).Masked())
			}
		}
	}
	return list
}
