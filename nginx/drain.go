package nginx

import (
	"context"
	"fmt"
	"math"
	"time"
)

// Drain waits until no router worker from before the hold is left. It never takes more than half of the hold's
// time, so that websockets and long downloads leave enough of it to settle the data. It returns how many requests
// those workers still have.
func (h *hold) Drain(ctx context.Context, timeout time.Duration) (int, error) {
	until := min(timeout, h.router.HoldTimeout/2-time.Since(h.gate.since))
	wait, cancel := context.WithTimeout(ctx, max(until, 0))
	defer cancel()
	for {
		workers, err := h.router.workers(ctx)
		if err != nil {
			return 0, fmt.Errorf("drain router: %w", err)
		}
		if draining(workers) == 0 {
			return 0, nil
		}
		select {
		case <-wait.Done():
			return h.left(ctx)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// left counts the requests that old workers are left with; there is one at least, or they would have ended.
func (h *hold) left(ctx context.Context) (int, error) {
	if ctx.Err() != nil {
		return 1, fmt.Errorf("drain router: %w", ctx.Err())
	}
	n, err := h.stayed(ctx)
	if err != nil {
		return 1, fmt.Errorf("drain router: %w", err)
	}
	return max(n, 1), nil
}

// stayed is what the router serves less what waits at the gate. A request on its way to the gate is counted by the
// router and not yet by the gate, which makes a look say too much and never too little; of a few looks the least is
// taken.
func (h *hold) stayed(ctx context.Context) (int, error) {
	least := math.MaxInt
	for range 5 {
		atGate := h.gate.waitingNow() // before the router is asked: whoever comes in between is counted there
		serving, err := h.router.admin().serving(ctx)
		if err != nil {
			return 0, err
		}
		least = min(least, serving-atGate)
	}
	return least, nil
}
