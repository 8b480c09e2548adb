package compose

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// backoff says how often something is tried and how long the pauses in between are: each is twice the one before.
type backoff struct {
	attempts    int
	first, most time.Duration
}

// registryBackoff gives a registry about a quarter of a minute to come back.
var registryBackoff = backoff{attempts: 5, first: time.Second, most: 30 * time.Second}

// retry calls try until it succeeds, its error is not worth another attempt, or the attempts are used up; it returns
// the last error. again tells whether an error is worth one, and how long the other side asked to be left alone. Each
// pause is told before it begins. Ending ctx ends a pause.
func (b backoff) retry(ctx context.Context, try func() error, again func(error) (time.Duration, bool), tell func(error, time.Duration)) error {
	for attempt := 1; ; attempt++ {
		err := try()
		if err == nil || attempt >= b.attempts {
			return err
		}
		asked, ok := again(err)
		if !ok || ctx.Err() != nil {
			return err
		}
		wait := min(max(b.pause(attempt), asked), max(b.most, b.first))
		tell(err, wait)
		if err := pause(ctx, wait); err != nil {
			return fmt.Errorf("stopped while waiting to try again: %w", err)
		}
	}
}

// pause after that attempt, counted from 1: up to a fifth longer than planned, so that those who failed together do not
// all come back together.
func (b backoff) pause(attempt int) time.Duration {
	planned := min(b.first<<(attempt-1), b.most)
	return planned + rand.N(planned/5+1)
}
