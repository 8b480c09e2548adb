package nginx

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Drain waits until the requests from before the hold have ended, streams aside: websockets and server-sent events end
// when their clients want. It never takes more than half of the hold's time, so that long downloads leave enough of it
// to settle the data. For requests that stayed behind in an earlier cutover it does not wait again. It returns how many
// requests stay on the old slice, streams among them.
func (h *hold) Drain(ctx context.Context, timeout time.Duration) (int, error) {
	limit := min(timeout, h.gate.left()-h.router.HoldTimeout/2)
	wait, cancel := context.WithTimeout(ctx, max(limit, 0))
	defer cancel()
	for pause := pollEvery; ; pause = min(pause*5/4, 20*time.Millisecond) { // what has lasted long may last longer
		passed := h.gate.passedSoFar()
		if err := h.look(ctx); err != nil {
			return 0, fmt.Errorf("drain router: %w", err)
		}
		if h.unseen == 0 && !slices.ContainsFunc(h.earlier, h.waitsFor) && h.gate.shut(passed) {
			return h.staying(), nil
		}
		select {
		case <-wait.Done():
			h.gate.shutNow()
			if ctx.Err() != nil {
				return h.staying(), fmt.Errorf("drain router: %w", context.Cause(ctx))
			}
			return h.staying(), nil
		case <-time.After(pause):
		}
	}
}

// look finds the connections from before the hold that are still there.
func (h *hold) look(ctx context.Context) error {
	if err := h.router.open(h.door); err != nil { // again, if the router has started anew meanwhile
		return err
	}
	accepted, err := h.router.admin().accepted(ctx)
	if err != nil {
		return h.router.whySilent(ctx, err)
	}
	all, err := h.router.connections(ctx)
	if err != nil {
		return err
	}
	h.unseen, err = h.router.unseen(ctx, accepted-len(all))
	h.earlier = slices.DeleteFunc(all, func(c Connection) bool { return h.through(h.door, c) && !h.stale[c.ID] })
	return err
}

// waitsFor tells whether a connection from before the hold has to end first.
func (h *hold) waitsFor(c Connection) bool {
	return !h.router.leavers.known(c) && !h.router.isStream(c)
}

func (h *hold) staying() int { return h.router.leavers.count(h.earlier, h.live.Slice) + h.unseen }

func (h *hold) through(d door, c Connection) bool {
	s := h.router.settings
	return c.Socket == s.nginxRun(d.requests()) || c.Socket == s.nginxRun(d.streams())
}
