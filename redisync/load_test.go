package redisync

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// steadyWrites writes so many times a second, to session keys and to a list by turns, until stop is called, which
// tells how many writes were acknowledged.
func steadyWrites(t testing.TB, s *testServer, prefix string, perSecond int) (stop func() int) {
	t.Helper()
	end, ended := make(chan struct{}), make(chan struct{})
	written := 0
	began := time.Now()
	tick := time.NewTicker(time.Millisecond)
	go func() {
		defer close(ended)
		for {
			select {
			case <-end:
				return
			case <-tick.C:
			}
			due := int(time.Since(began).Seconds() * float64(perSecond))
			_, err := s.Pipelined(context.Background(), func(p redis.Pipeliner) error {
				for i := written; i < due; i++ {
					writeOne(p, prefix, i)
				}
				return nil
			})
			if err != nil {
				t.Errorf("write: %v", err)
				return
			}
			written = max(due, written)
		}
	}()
	return func() int {
		tick.Stop()
		close(end)
		<-ended
		return written
	}
}

func writeOne(p redis.Pipeliner, prefix string, i int) {
	ctx := context.Background()
	if i%2 == 0 {
		p.Set(ctx, fmt.Sprintf("%ssession:%d", prefix, i%1000), item(i, 100), 0)
	} else {
		p.LPush(ctx, prefix+"list", item(i, 100))
	}
}

// quantile is the duration that so large a part of them does not exceed.
func quantile(all []time.Duration, part float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(len(sorted)-1, int(part*float64(len(sorted))))]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
