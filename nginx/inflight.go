package nginx

import (
	"context"
	"fmt"
)

// InFlight returns how many requests the router is serving now: websockets, downloads and what waits at the gate too.
func (r *Router) InFlight(ctx context.Context) (int, error) {
	n, err := r.admin().serving(ctx)
	if err != nil {
		return 0, fmt.Errorf("count requests in flight: %w", startHint(err))
	}
	return n, nil
}

// InFlight returns -1, since it cannot be told: the nginx is somebody else's.
func (r *FileRouter) InFlight(context.Context) (int, error) { return -1, nil }
