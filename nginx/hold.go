package nginx

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"verdigris/deploy"
)

// Hold opens the gate, and makes the router ask it where each new request goes. Whatever takes time or could fail is
// done before, while nobody waits: nginx tests the configurations of the hold and of the next route.
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
	now, err := r.truth()
	if err != nil {
		return nil, err
	}
	if now.Slice == "" {
		return nil, &deploy.ConflictError{Reason: "nothing is live yet", Next: "route to the first slice without a hold"}
	}
	h := &hold{router: r, name: rand.Text(), live: now.Route, next: next}
	if err := h.render(r.newest(ctx, now)); err != nil {
		return nil, err
	}
	if err := r.test(ctx, h.routed, h.holding); err != nil {
		return nil, err
	}
	return h, h.begin(ctx)
}

// gateTimeout is when nginx gives up on the gate: later than the hold could last with a Route that begins at the
// last moment, is not confirmed and is taken back, after which data is carried back. A request must not slip to the
// old slice while data settles.
func (r *Router) gateTimeout() time.Duration {
	return 2*r.HoldTimeout + 3*r.confirmTimeout()
}

// hold is one cutover. Its methods are called one after the other.
type hold struct {
	router     *Router
	name       string // of its gate
	gate       *gate
	live, next deploy.Route
	// The upstream files of the hold and of the next route.
	holding, routed []byte
	door            door            // by which requests come in that wait
	stale           map[string]bool // the ids of connections that had come in by it before the hold
	earlier         []Connection    // from before the hold, as Drain has last seen them
	unseen          int             // how many it could not see
	isRouted        bool
	ended           bool
}

// render renders both files, as the generations after the newest.
func (h *hold) render(newest uint64) (err error) {
	h.live.Generation, h.next.Generation = newest+1, newest+2
	h.router.issued = h.next.Generation
	if h.holding, err = renderHold(h.router.settings, h.live, h.next, h.name, h.router.gateTimeout()); err != nil {
		return err
	}
	h.routed, err = renderRoute(h.router.settings, h.next)
	return err
}

// begin makes requests wait.
func (h *hold) begin(ctx context.Context) error {
	passing, err := h.chooseDoor(ctx)
	if err != nil {
		return err
	}
	if err := h.router.put(sign{h.name, h.live.Slice}); err != nil {
		return err
	}
	c, err := h.router.candidate(ctx, h.holding, h.live.Generation)
	if err != nil {
		return err
	}
	if h.gate, err = openGate(ctx, h.router.settings.run(gateSocket), h.name, h.router.HoldTimeout, h.router.MaxHeld, passing...); err != nil {
		c.discard()
		return err
	}
	if err := h.router.install(ctx, c, requestsWait); err != nil {
		h.gate.release() // nobody knows whether the router holds, but as long as the sign does not turn, all goes to the old slice
		return errors.Join(err, h.gate.close(ctx))
	}
	// Not before: what comes in by that door must not reach a worker that does not hold.
	if err := h.router.open(h.door); err != nil {
		return errors.Join(err, h.end(ctx, true))
	}
	return nil
}

// chooseDoor chooses the door to open, and looks at what is there before. It returns the sockets of the door that is open
// until then.
func (h *hold) chooseDoor(ctx context.Context) (passing []string, err error) {
	there, err := h.router.connections(ctx)
	if err != nil {
		return nil, err
	}
	h.router.leavers.forget(there)
	before := h.router.openDoor()
	h.door, h.stale = before.next(), map[string]bool{}
	for _, c := range there {
		if h.through(h.door, c) {
			h.stale[c.ID] = true
		}
	}
	s := h.router.settings
	return []string{"unix:" + s.nginxRun(before.requests()), "unix:" + s.nginxRun(before.streams())}, nil
}
