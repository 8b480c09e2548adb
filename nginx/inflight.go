package nginx

import "context"

// InFlight returns how many requests the router is serving now.
func (r *Router) InFlight(ctx context.Context) (int, error) { return -1, nil }

// InFlight cannot be told: the nginx is somebody else's.
func (r *FileRouter) InFlight(context.Context) (int, error) { return -1, nil }
