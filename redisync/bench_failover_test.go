package redisync

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"verdigris/internal/testkit"
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
		writes := startWrites(primary, replica)
		writes.more(b, 100)
		host, port := replica.hostPort()
		primary.do(b, "FAILOVER", "TO", host, port)
		testkit.Eventually(b, "the replica is the primary", func() bool { return isPrimary(b, replica) && !isPrimary(b, primary) })
		writes.more(b, 100)
		waits = append(waits, writes.longest())
		primary, replica = replica, primary
		waitReplicated(b, primary, replica)
	}
	b.ReportMetric(milliseconds(quantile(waits, 0.5)), "p50-ms")
	b.ReportMetric(milliseconds(quantile(waits, 1)), "max-ms")
}

// measuredWrites go to whichever of the servers takes them.
type measuredWrites struct {
	made    atomic.Int64
	end     chan struct{}
	slowest chan time.Duration
}

func startWrites(servers ...*testServer) *measuredWrites {
	w := &measuredWrites{end: make(chan struct{}), slowest: make(chan time.Duration)}
	go w.write(servers)
	return w
}

func (w *measuredWrites) write(servers []*testServer) {
	longest, began, at := time.Duration(0), time.Now(), 0
	for {
		if servers[at].LPush(context.Background(), "images", "late").Err() != nil {
			at = (at + 1) % len(servers)
			continue
		}
		longest, began = max(longest, time.Since(began)), time.Now()
		w.made.Add(1)
		select {
		case <-w.end:
			w.slowest <- longest
			return
		default:
		}
	}
}

// more waits until so many more writes have been made.
func (w *measuredWrites) more(b *testing.B, n int64) {
	b.Helper()
	enough := w.made.Load() + n
	testkit.Eventually(b, "writes come", func() bool { return w.made.Load() >= enough })
}

// longest ends the writes, and returns how long the slowest took.
func (w *measuredWrites) longest() time.Duration {
	close(w.end)
	return <-w.slowest
}
