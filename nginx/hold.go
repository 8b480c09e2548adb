package nginx

import (
	"context"
	"errors"
	"fmt"
	"time"

	"verdigris/deploy"
)

// Hold opens the gate, and makes the router ask it where each new request goes. The configuration of the next
// route is tested before, so that what nginx would refuse is known while nobody waits.
func (r *Router) Hold(ctx context.Context, next deploy.Route) (deploy.Hold, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.holding {
		return nil, &deploy.ConflictError{Reason: "requests wait at the gate already", Next: "let that cutover end first"}
	}
	h, err := r.hold(ctx, next)
	if err != nil {
		return nil, fmt.Errorf("hold requests: %w", err)
	}
	r.holding = true
	return h, nil
}

func (r *Router) hold(ctx context.Context, next deploy.Route) (*hold, error) {
	now, err := readTruth(r.settings.conf(upstreamFile))
	if err != nil {
		return nil, err
	}
	if now.Slice == "" {
		return nil, &deploy.ConflictError{Reason: "nothing is live yet", Next: "route to the first slice without a hold"}
	}
	live := now.Route
	live.Generation, next.Generation = now.Generation+1, now.Generation+2
	holding, err := renderHold(r.settings, live, next.Slice, r.gateTimeout())
	if err != nil {
		return nil, err
	}
	routed, err := renderRoute(r.settings, next)
	if err != nil {
		return nil, err
	}
	if err := r.test(ctx, routed, holding); err != nil {
		return nil, err
	}
	gate, err := openGate(ctx, r.settings.run(gateSocket), r.HoldTimeout, r.MaxHeld)
	if err != nil {
		return nil, err
	}
	if err := r.install(ctx, holding, live.Generation); err != nil {
		gate.release()
		return nil, errors.Join(err, gate.close(ctx))
	}
	return &hold{router: r, gate: gate, live: live, next: next, routed: routed}, nil
}

// gateTimeout is when nginx gives up on the gate: later than the hold could last with a Route that begins at the
// last moment, is not confirmed and is taken back, after which data is carried back. A request must not slip to the
// old slice while data settles.
func (r *Router) gateTimeout() time.Duration {
	return 2*r.HoldTimeout + r.ReloadTimeout + r.TestTimeout + r.ReloadTimeout
}

// hold is one cutover. Its methods are called one after the other.
type hold struct {
	router     *Router
	gate       *gate
	live, next deploy.Route
	routed     []byte // the tested configuration of next
	isRouted   bool
	ended      bool
}

// Route puts the next route in force. It fails when the hold has been called off, because requests have reached
// the old slice since.
func (h *hold) Route(ctx context.Context) error {
	h.router.mu.Lock()
	defer h.router.mu.Unlock()
	if h.ended {
		return errors.New("route: the hold is over")
	}
	if err := h.gate.beginRoute(); err != nil {
		return fmt.Errorf("route to %s: %w: %w", h.next.Slice, deploy.ErrRouteRefused, err)
	}
	err := h.router.install(ctx, h.routed, h.next.Generation)
	h.gate.endRoute(err == nil)
	if err != nil {
		return fmt.Errorf("route to %s: %w", h.next.Slice, err)
	}
	h.isRouted = true
	return nil
}

// Release lets the waiting requests go. Without a Route before, they go to the old slice as with Abort.
func (h *hold) Release(ctx context.Context) (int, time.Duration, error) {
	h.router.mu.Lock()
	defer h.router.mu.Unlock()
	err := h.end(ctx, !h.isRouted)
	held, longest := h.gate.count()
	if err != nil {
		return held, longest, fmt.Errorf("release requests: %w", err)
	}
	return held, longest, nil
}

// Abort lets the waiting requests go to the slice that was live and restores its configuration. After a Route the
// configuration is restored first, or they would go to the new slice.
func (h *hold) Abort(ctx context.Context) error {
	h.router.mu.Lock()
	defer h.router.mu.Unlock()
	if err := h.end(ctx, true); err != nil {
		return fmt.Errorf("call cutover off: %w", err)
	}
	return nil
}

// end closes the gate, whatever happens; back makes the old route the one in force. It must also work for a caller
// whose ctx is over.
func (h *hold) end(ctx context.Context, back bool) error {
	if h.ended {
		return nil
	}
	h.ended = true
	h.router.holding = false
	ctx = context.WithoutCancel(ctx)
	if !h.isRouted {
		h.gate.release() // the configuration in force sends them to the old slice
	}
	var err error
	if back {
		err = h.router.settleOn(ctx, h.live)
	}
	h.gate.release()
	return errors.Join(err, h.gate.close(ctx))
}
