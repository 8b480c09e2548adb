package redisync

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// BenchmarkFailover measures what redis itself offers for moving traffic: the longest that a write waits while FAILOVER
// makes the replica of a list of 1,000,000 items the primary. It is what the freeze is compared to.
func BenchmarkFailover(b *testing.B) {
	path, impatient := program(b, "redis-server"), redis.Options{MaxRetries: -1}
	other := impatient
	primary, replica := startServer(b, path, &impatient), startServer(b, path, &other)
	pushList(b, primary, "images", 1_000_000, 100)
	replicate(b, primary, replica)
	var waits []time.Duration
	for b.Loop() {
		stop := longestWrite(b, primary, replica)
		time.Sleep(50 * time.Millisecond)
		host, port := replica.hostPort()
		primary.do(b, "FAILOVER", "TO", host, port)
		eventually(b, "the replica is the primary", func() bool { return isPrimary(b, replica) && !isPrimary(b, primary) })
		time.Sleep(50 * time.Millisecond)
		waits = append(waits, stop())
		primary, replica = replica, primary
		waitReplicated(b, primary, replica)
	}
	b.ReportMetric(milliseconds(quantile(waits, 0.5)), "p50-ms")
	b.ReportMetric(milliseconds(quantile(waits, 1)), "max-ms")
}

// longestWrite writes to whichever of the servers takes it, and tells in the end how long the slowest write took.
func longestWrite(b *testing.B, servers ...*testServer) (stop func() time.Duration) {
	end, slowest := make(chan struct{}), make(chan time.Duration)
	go func() {
		longest, began, at := time.Duration(0), time.Now(), 0
		for {
			if servers[at].LPush(context.Background(), "images", "late").Err() != nil {
				at = (at + 1) % len(servers)
				continue
			}
			longest, began = max(longest, time.Since(began)), time.Now()
			select {
			case <-end:
				slowest <- longest
				return
			default:
			}
		}
	}()
	return func() time.Duration {
		close(end)
		return <-slowest
	}
}
