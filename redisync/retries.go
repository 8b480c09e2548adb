package redisync

import (
	"context"
	"time"
)

const (
	retryFirst = 100 * time.Millisecond
	retryMost  = 5 * time.Second
)

// retries are the pauses between attempts: the first is short, and each is twice as long as the one before.
type retries struct{ last time.Duration }

// wait lets the next pause pass. It returns the reason if ctx ends before.
func (r *retries) wait(ctx context.Context) error {
	r.last = min(max(retryFirst, 2*r.last), retryMost)
	return pause(ctx, r.last)
}

// lasted begins again with the first pause if what was attempted has lasted since began for a while.
func (r *retries) lasted(began time.Time) {
	if time.Since(began) > retryMost {
		r.last = 0
	}
}

// pause waits for so long. It returns the reason if ctx ends before.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
