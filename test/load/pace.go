package load

import (
	"context"
	"time"
)

// afterFailure is how long a worker without a pace waits after a failure, so that a site that is down is not flooded.
const afterFailure = 20 * time.Millisecond

// pace keeps a worker's actions at least so long apart. Time that was lost is not made up for by a burst.
type pace struct {
	every time.Duration
	next  time.Time
}

// wait waits until the next action is due, and tells whether there is to be one.
func (p *pace) wait(ctx context.Context, failed bool) bool {
	pause := time.Until(p.next)
	if failed {
		pause = max(pause, afterFailure)
	}
	if pause > 0 {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
	p.next = time.Now().Add(p.every)
	return ctx.Err() == nil
}
