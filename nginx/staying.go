package nginx

import (
	"context"

	"verdigris/deploy"
)

// Staying counts the connections that earlier cutovers of this process left on the slice and that are still there. It is not to
// be called during a hold.
func (r *Router) Staying(ctx context.Context, slice deploy.Slice) (requests, streams int, err error) {
	if len(r.leavers) == 0 {
		return 0, 0, nil
	}
	there, err := r.connections(ctx)
	if err != nil {
		return 0, 0, err
	}
	for _, c := range r.leavers.to(there, slice) {
		if r.isStream(c) {
			streams++
		} else {
			requests++
		}
	}
	return requests, streams, nil
}

// Staying returns none: nobody can look into an nginx of somebody else's.
func (r *FileRouter) Staying(context.Context, deploy.Slice) (requests, streams int, err error) {
	return 0, 0, nil
}
