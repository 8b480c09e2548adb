package nginx

import (
	"context"
	"errors"
	"fmt"
	"os"

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
	h.isRouted = true
	return nil
}

// turn moves the file of the next route into the upstream file's place. In that one step the truth changes, and with
// it where requests go that find no gate, since all workers hold by now and look whether the file has moved. Nothing
// needs to be reloaded for it. The error is a deploy.ErrRouteRefused where the file has not moved.
func (h *hold) turn(ctx context.Context) error {
	r := h.router
	if err := errors.Join(h.gate.inPlace(ctx), r.leadsTo(ctx, h.live.Slice)); err != nil {
		return fmt.Errorf("%w: %w", deploy.ErrRouteRefused, err)
	}
	if err := os.Rename(h.nextPath(), r.settings.conf(upstreamFile)); err != nil {
		return fmt.Errorf("%w: %w", deploy.ErrRouteRefused, err)
	}
	// From here on, giving up half-way would leave the file and the router apart: a cancelled ctx must wait.
	ctx = context.WithoutCancel(ctx)
	err := syncDir(r.settings.ConfDir) // or a power cut could bring the old slice back after the new one took writes
	if err == nil {
		err = h.confirm(ctx)
	}
	if err != nil {
		return errors.Join(err, h.turnBack(ctx))
	}
	r.Log.Info("route turned", "app", r.settings.App, "slice", h.next.Slice, "generation", h.next.Generation)
	return nil
}

// confirm waits until the router has seen that the file has moved.
func (h *hold) confirm(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, h.router.ReloadTimeout)
	defer cancel()
	err := until(ctx, func() error { return h.router.leadsTo(ctx, h.next.Slice) })
	if err != nil {
		return fmt.Errorf("the route was not confirmed within %s: %w", h.router.ReloadTimeout, err)
	}
	return nil
}

// turnBack makes the old route the one in force, and requests wait on. The workers that hold cannot be turned back by
// a file: one more reload does it.
func (h *hold) turnBack(ctx context.Context) error {
	if err := h.render(h.next.Generation); err != nil {
		return err
	}
	if err := writeFile(h.nextPath(), h.routed); err != nil {
		return err
	}
	return h.router.putBack(ctx, h.holding)
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
