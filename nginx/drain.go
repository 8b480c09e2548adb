package nginx

import (
	"context"
	"fmt"
	"math"
	"time"

	"verdigris/deploy"
)

// Drain waits until no router worker from before the hold is left. It never takes more than half of the hold's
// time, so that websockets and long downloads leave enough of it to settle the data. It returns how many requests
// those workers still have. For requests that stayed behind in an earlier cutover it does not wait again.
func (h *hold) Drain(ctx context.Context, timeout time.Duration) (int, error) {
	limit := min(timeout, h.router.HoldTimeout/2-time.Since(h.gate.since))
	wait, cancel := context.WithTimeout(ctx, max(limit, 0))
	defer cancel()
	for pause := pollEvery; ; pause = min(pause*5/4, 20*time.Millisecond) { // what has lasted long may last longer
		workers, err := h.router.workers(ctx)
		if err != nil {
			return 0, fmt.Errorf("drain router: %w", err)
		}
		h.outlived = h.router.leavers.waitedFor(workers)
		if len(h.outlived) == 0 {
			return h.left(ctx, workers)
		}
		select {
		case <-wait.Done():
			return h.left(ctx, workers)
		case <-time.After(pause):
		}
	}
}

// left counts the requests that workers of the old slice are left with. A worker has one at least, or it would have
// ended.
func (h *hold) left(ctx context.Context, workers []Worker) (int, error) {
	least := len(h.outlived) + h.router.leavers.count(workers, h.live.Slice)
	if ctx.Err() != nil {
		return least, fmt.Errorf("drain router: %w", context.Cause(ctx))
	}
	if least == 0 {
		return 0, nil
	}
	n, err := h.stayed(ctx)
	if err != nil {
		return least, fmt.Errorf("drain router: %w", err)
	}
	return max(n, least), nil
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

// leavers are the workers that outlived a cutover's drain, and the slices that they lead to.
type leavers map[string]deploy.Slice

// waitedFor returns the draining workers that no earlier drain has given up on.
func (l leavers) waitedFor(workers []Worker) (busy []Worker) {
	for _, w := range workers {
		if _, given := l[w.PID]; w.Draining && !given {
			busy = append(busy, w)
		}
	}
	return busy
}

func (l leavers) add(workers []Worker, slice deploy.Slice) {
	for _, w := range workers {
		l[w.PID] = slice
	}
}

func (l leavers) count(workers []Worker, slice deploy.Slice) (n int) {
	for _, w := range workers {
		if w.Draining && l[w.PID] == slice {
			n++
		}
	}
	return n
}

// forget removes those that have ended. Their ids may be given to new workers, which take connections at first.
func (l leavers) forget(workers []Worker) {
	there := make(map[string]bool)
	for _, w := range workers {
		there[w.PID] = w.Draining
	}
	for pid := range l {
		if !there[pid] {
			delete(l, pid)
		}
	}
}
