package deploy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// UnreachedError says that the router got no connection to a container.
type UnreachedError struct {
	Address string // host:port
	Reason  string // e.g. "the connection is refused"
}

func (e *UnreachedError) Error() string {
	return fmt.Sprintf("the router cannot connect to %s: %s", e.Address, e.Reason)
}

// RouterError says that the router itself did not answer, so that nothing is known about the container behind it.
type RouterError struct{ Err error }

func (e *RouterError) Error() string { return fmt.Sprintf("the router does not answer: %v", e.Err) }

// Unwrap returns why.
func (e *RouterError) Unwrap() error { return e.Err }

// Way says where the router and a running web container could meet.
type Way struct {
	Container string
	// Addresses are where the web service listens, host:port by the name of the network.
	Addresses map[string]string
	// Router are the networks that the router is in; none when it is no container of ours.
	Router []string
}

// dialWithin bounds one attempt to connect that is made to explain why another one has failed.
const dialWithin = 500 * time.Millisecond

// ExplainReach says more of an UnreachedError: the networks of both sides, and whether the container listens elsewhere. Any
// other error is returned as it is.
func ExplainReach(ctx context.Context, runtime Runtime, slice Slice, err error) error {
	var unreached *UnreachedError
	if !errors.As(err, &unreached) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), observeWithin)
	defer cancel()
	ways, failed := runtime.Ways(ctx, slice)
	if failed != nil {
		return err
	}
	for _, w := range ways {
		for network, address := range w.Addresses {
			if address == unreached.Address {
				return w.explain(ctx, network, err)
			}
		}
	}
	return err
}

// explain says why the container is not reached by the network although it is in it.
func (w Way) explain(ctx context.Context, by string, err error) error {
	port, others := "", []string{}
	for _, network := range slices.Sorted(maps.Keys(w.Addresses)) {
		address := w.Addresses[network]
		_, port, _ = net.SplitHostPort(address)
		if network != by && listens(ctx, address) {
			others = append(others, fmt.Sprintf("%s (network %s)", address, network))
		}
	}
	found := fmt.Sprintf("nothing listens on port %s of its addresses; on 127.0.0.1 it would be for the container alone", port)
	if len(others) > 0 {
		found = "it listens at " + strings.Join(others, " and ") + " alone"
	}
	return &HintedError{
		Err:  fmt.Errorf("%w (%s is in %s, the router in %s): %s", err, w.Container, named(slices.Sorted(maps.Keys(w.Addresses))), named(w.Router), found),
		Next: "have the app listen on 0.0.0.0:" + port + ", which is all addresses of its container",
	}
}

// mayFollow reports whether the route may go to the endpoints. As long as the live slice's containers still have the
// addresses that the route names, requests arrive; then the router must be shown to reach the new ones first.
func (w *worker) mayFollow(ctx context.Context, route Route, endpoints []Endpoint) bool {
	if !w.stillThere(ctx, route) {
		return true
	}
	for _, e := range endpoints {
		if slices.ContainsFunc(route.Endpoints, func(r Endpoint) bool { return r.Address == e.Address }) {
			continue
		}
		check := Check{Name: "health", Method: http.MethodGet, Path: w.app.Health.Path, Status: w.app.Health.Status}
		err := w.proberOf(route.Slice).check(ctx, e, check, w.app.Health.Timeout)
		if errors.As(err, new(*UnreachedError)) {
			w.stay(ctx, route, err)
			return false
		}
	}
	w.unfollowed = ""
	return true
}

// stay tells, once, that the route cannot go where the slice is now.
func (w *worker) stay(ctx context.Context, route Route, err error) {
	if w.unfollowed != err.Error() {
		w.log.Error("the live slice stays at its old addresses", "slice", route.Slice, "error", ExplainReach(ctx, w.Runtime, route.Slice, err))
	}
	w.unfollowed = err.Error()
}

// stillThere reports whether all addresses of the route are those of the slice's running containers.
func (w *worker) stillThere(ctx context.Context, route Route) bool {
	ways, err := w.Runtime.Ways(ctx, route.Slice)
	if err != nil {
		return false
	}
	there := map[string]bool{}
	for _, way := range ways {
		for _, address := range way.Addresses {
			there[address] = true
		}
	}
	return !slices.ContainsFunc(route.Endpoints, func(e Endpoint) bool { return !there[e.Address] })
}

func listens(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err == nil {
		conn.Close()
	}
	return err == nil
}

func named(networks []string) string {
	switch len(networks) {
	case 0:
		return "no network"
	case 1:
		return "network " + networks[0]
	}
	return "networks " + strings.Join(networks, ", ")
}

// Unroutable is the error about a slice without an endpoint: no web container runs, or none that the router could reach.
func Unroutable(ctx context.Context, runtime Runtime, slice Slice) error {
	ways, err := runtime.Ways(ctx, slice)
	if err != nil || len(ways) == 0 {
		return fmt.Errorf("%s has no running web container", slice)
	}
	var parts []string
	for _, way := range ways {
		parts = append(parts, fmt.Sprintf("%s is in %s", way.Container, named(slices.Sorted(maps.Keys(way.Addresses)))))
	}
	return &HintedError{
		Err:  fmt.Errorf("no web container of %s has an address that the router reaches: %s, the router is in %s", slice, strings.Join(parts, ", "), named(ways[0].Router)),
		Next: "give the web service a network that it has in common with the router",
	}
}
