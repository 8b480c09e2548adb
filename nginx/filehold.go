package nginx

import (
	"context"
	"errors"
	"fmt"
	"time"

	"verdigris/deploy"
)

// Hold checks the next route. No request waits: the nginx is somebody else's, and there is no gate in it.
func (r *FileRouter) Hold(ctx context.Context, next deploy.Route) (deploy.Hold, error) {
	if err := errors.Join(r.Check(), checkRoute(next)); err != nil {
		return nil, fmt.Errorf("hold requests: %w", err)
	}
	live, err := r.Current(ctx)
	if err != nil {
		return nil, fmt.Errorf("hold requests: %w", err)
	}
	return &fileHold{router: r, live: live, next: next}, nil
}

// fileHold is a cutover without a gate.
type fileHold struct {
	router     *FileRouter
	live, next deploy.Route
	routed     bool
}

// Drain returns at once: what nginx's workers do cannot be seen from here.
func (h *fileHold) Drain(context.Context, time.Duration) (int, error) { return 0, nil }

// Route applies the next route. An error is always a deploy.ErrRouteRefused: requests never waited, so the old slice
// took writes all the time, and data must not be carried back over them.
func (h *fileHold) Route(ctx context.Context) error {
	if err := h.router.Apply(ctx, h.next); err != nil {
		return fmt.Errorf("%w: %w", deploy.ErrRouteRefused, err)
	}
	h.routed = true
	return nil
}

// Release has nobody to let go.
func (h *fileHold) Release(context.Context) error { return nil }

// Waited returns nothing, since nobody waits.
func (h *fileHold) Waited() (held int, longest time.Duration) { return 0, 0 }

// Abort applies the route that was live, if Route had replaced it.
func (h *fileHold) Abort(ctx context.Context) error {
	if !h.routed {
		return nil
	}
	if h.live.Slice == "" {
		return errors.New("call cutover off: nothing was live before")
	}
	if err := h.router.Apply(context.WithoutCancel(ctx), h.live); err != nil {
		return fmt.Errorf("call cutover off: %w", err)
	}
	h.routed = false
	return nil
}
