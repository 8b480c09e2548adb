package deploy

import (
	"context"
	"slices"
	"strings"
	"time"
)

// follow keeps the route true between operations: a container that was restarted may come back under another
// address, and a scaled service may have lost or regained one.
func (w *worker) follow(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	route, err := w.Router.Current(ctx)
	if err != nil || route.Slice == "" {
		return
	}
	observed, err := w.Runtime.Observe(ctx, route.Slice)
	// Without an endpoint there is nothing better to route to than what is there.
	if err != nil || !observed.Running() || sameEndpoints(route.Endpoints, observed.Endpoints) {
		return
	}
	moved := route
	moved.Endpoints = observed.Endpoints
	w.operation.Lock()
	defer w.operation.Unlock()
	if err := w.Router.Apply(ctx, moved); err != nil {
		w.log.Error("could not follow the live slice to its new addresses", "slice", route.Slice, "error", err)
		return
	}
	w.log.Info("followed the live slice to its new addresses", "slice", route.Slice, "endpoints", len(moved.Endpoints))
}

func sameEndpoints(a, b []Endpoint) bool {
	byAddress := func(x, y Endpoint) int { return strings.Compare(x.Address, y.Address) }
	a, b = slices.SortedFunc(slices.Values(a), byAddress), slices.SortedFunc(slices.Values(b), byAddress)
	return slices.EqualFunc(a, b, func(x, y Endpoint) bool { return x.Address == y.Address })
}
