package deploy

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

// followEvery is how often the worker looks at the live slice although the engine has told of no change, and followAgain how
// soon after a look that left something to be done.
const (
	followEvery = time.Minute
	followAgain = 2 * time.Second
)

// observeWithin bounds one look at a slice.
const observeWithin = 30 * time.Second

// followAlways follows while operations go on too: a build may take half an hour, and what a slice starts may be
// given the address that a container of the live slice has just lost.
func (w *worker) followAlways(ctx context.Context) {
	var watching sync.WaitGroup
	watching.Go(func() { w.Runtime.Watch(ctx, w.lookAgain) })
	defer watching.Wait()
	for next := followEvery; ; {
		select {
		case <-ctx.Done():
			return
		case <-w.changed:
		case <-time.After(next):
		}
		next = followEvery
		if !w.follow(ctx) {
			next = followAgain
		}
	}
}

// lookAgain has the worker follow its app and ask its router at once. It does not block: a look that has not begun yet sees
// everything.
func (w *worker) lookAgain() {
	for _, note := range []chan struct{}{w.changed, w.ask} {
		select {
		case note <- struct{}{}:
		default:
		}
	}
}

// follow keeps the slices within the router's reach, the route true, the live slice's data open and the workers where
// they belong. It reports whether nothing is left to be done.
func (w *worker) follow(ctx context.Context) (settled bool) {
	w.tidyAgain(ctx)
	looking, cancel := context.WithTimeout(ctx, observeWithin)
	defer cancel()
	attached := w.attach(looking)
	route, err := w.Router.Current(looking)
	if err != nil || route.Slice == "" {
		return attached && err == nil && !w.untidy.Load()
	}
	observed, err := w.Runtime.Observe(looking, route.Slice)
	if err != nil {
		return false
	}
	followed := w.followAddresses(looking, route, observed)
	w.openAgain(ctx)
	w.keepFence(looking, route)
	// A slice that runs workers beside a live one that has none was left by a cutover, which stopped them.
	placed := true
	if len(observed.workers()) > 0 || w.owed.Load() {
		placed = w.placeWorkers(ctx)
	}
	return attached && followed && placed && !w.shut.Load() && !w.owed.Load() && !w.untidy.Load()
}

// followAddresses routes to where the live slice is now: a container that was restarted may come back under another
// address, and a scaled service may have lost or regained one. It reports whether the route is true.
func (w *worker) followAddresses(ctx context.Context, route Route, observed SliceStatus) bool {
	// Without an endpoint there is nothing better to route to than what is there.
	if !observed.Running() {
		return true
	}
	endpoints := observed.toRoute(route.Endpoints)
	if sameEndpoints(route.Endpoints, endpoints) {
		return true
	}
	if !w.mayFollow(ctx, route, endpoints) {
		return false
	}
	w.traffic.Lock()
	defer w.traffic.Unlock()
	// A cutover may have come in between; then what was observed is no longer about the live slice.
	if now, err := w.Router.Current(ctx); err != nil || now.Slice != route.Slice || now.Commit != route.Commit {
		return false
	}
	route.Endpoints = endpoints
	if err := w.Router.Apply(ctx, route); err != nil {
		w.log.Error("could not follow the live slice to its new addresses", "slice", route.Slice, "error", err)
		return false
	}
	w.log.Info("followed the live slice to its new addresses", "slice", route.Slice, "endpoints", len(route.Endpoints))
	return true
}

func sameEndpoints(a, b []Endpoint) bool {
	byAddress := func(x, y Endpoint) int { return strings.Compare(x.Address, y.Address) }
	a, b = slices.SortedFunc(slices.Values(a), byAddress), slices.SortedFunc(slices.Values(b), byAddress)
	return slices.EqualFunc(a, b, func(x, y Endpoint) bool { return x.Address == y.Address })
}
