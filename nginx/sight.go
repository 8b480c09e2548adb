package nginx

import (
	"context"
	"fmt"
	"slices"

	"verdigris/deploy"
)

// connections lists what has come in by the router's doors.
func (r *Router) connections(ctx context.Context) ([]Connection, error) {
	ctx, cancel := context.WithTimeout(ctx, r.ReloadTimeout)
	defer cancel()
	all, err := r.Clients.Connections(ctx)
	if err != nil {
		return nil, &deploy.HintedError{
			Err:  fmt.Errorf("look into the edge's container: %w", err),
			Next: "start the edge with: verdigris up, and look at its log if it does not stay up",
		}
	}
	doors := map[string]bool{}
	for _, socket := range allDoors() {
		doors[r.settings.nginxRun(socket)] = true
	}
	return slices.DeleteFunc(all, func(c Connection) bool { return !doors[c.Socket] }), nil
}

func (r *Router) isStream(c Connection) bool {
	for _, d := range []door{frontDoor, doorA, doorB} {
		if c.Socket == r.settings.nginxRun(d.streams()) {
			return true
		}
	}
	return false
}

// unseen returns how many of the connections that the edge has not made are not the router's own hops either. Other than
// those that have just ended, they are from somebody who is not the edge, and nobody knows what they are.
func (r *Router) unseen(ctx context.Context, missing int) (int, error) {
	if missing <= 0 {
		return 0, nil
	}
	own, err := r.Process.Connections(ctx)
	if err != nil {
		return 0, hinted(err)
	}
	for _, c := range own {
		if c.Socket == r.settings.nginxRun(liveSocket) {
			missing--
		}
	}
	return max(missing, 0), nil
}
