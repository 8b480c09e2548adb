package nginx

import (
	"context"
	"errors"
	"fmt"

	"verdigris/deploy"
)

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
	err := h.turn(ctx)
	h.gate.endRoute(err == nil)
	if err != nil {
		return fmt.Errorf("route to %s: %w", h.next.Slice, err)
	}
	return nil
}

// turn makes the hold's sign say the next slice. In that one step the truth changes, and with it where requests go that
// find no gate, since all workers hold by now and look for the sign. Nothing needs to be reloaded for it. The error is a
// deploy.ErrRouteRefused where the sign has not turned.
func (h *hold) turn(ctx context.Context) error {
	r := h.router
	if err := errors.Join(h.gate.inPlace(ctx), r.leadsTo(ctx, h.live.Slice)); err != nil {
		return fmt.Errorf("%w: %w", deploy.ErrRouteRefused, err)
	}
	moved, err := r.turn(sign{h.name, h.live.Slice}, h.next.Slice)
	if !moved {
		return fmt.Errorf("%w: %w", deploy.ErrRouteRefused, err)
	}
	h.isRouted = true
	if err == nil {
		err = h.confirm(context.WithoutCancel(ctx)) // giving up half-way would leave the file and the router apart
	}
	if err != nil {
		return errors.Join(err, h.turnBack())
	}
	r.Log.Info("route turned", "app", r.settings.App, "slice", h.next.Slice, "generation", h.next.Generation)
	return nil
}

// confirm waits until the router has seen that the sign has turned.
func (h *hold) confirm(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, h.router.confirmTimeout())
	defer cancel()
	err := until(ctx, func() error { return h.router.leadsTo(ctx, h.next.Slice) })
	if err != nil {
		return fmt.Errorf("the route was not confirmed within %s: %w", h.router.confirmTimeout(), err)
	}
	return nil
}

// turnBack makes the old route the one in force, and requests wait on. It needs no router: workers that stand still look for
// the sign when they go on.
func (h *hold) turnBack() error {
	moved, err := h.router.turn(sign{h.name, h.next.Slice}, h.live.Slice)
	h.isRouted = !moved
	if err != nil {
		return fmt.Errorf("take the route back to %s: %w", h.live.Slice, err)
	}
	return nil
}

// leadsTo returns nil if requests that find no gate go to the slice.
func (r *Router) leadsTo(ctx context.Context, slice deploy.Slice) error {
	now, err := r.admin().slice(ctx)
	if err != nil {
		return r.whySilent(ctx, err)
	}
	if now != slice {
		return fmt.Errorf("the router leads to %q instead of %s", now, slice)
	}
	return nil
}

// whySilent tells a router that does not run from one that does not answer.
func (r *Router) whySilent(ctx context.Context, err error) error {
	if _, gone := r.workers(ctx); errors.Is(gone, ErrNotRunning) {
		return gone
	}
	return err
}
