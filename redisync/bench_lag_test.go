package redisync

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"verdigris/internal/testkit"
)

const (
	probeEvery = 7 * time.Millisecond // no round number, so that probes meet all phases of what others do
	probed     = 3 * time.Second
)

// BenchmarkMirrorLag measures how long a write takes from its acknowledgement by the source until a client of the target
// can see it, at 5,000 writes a second, and the same with redis' own replica.
func BenchmarkMirrorLag(b *testing.B) {
	for _, how := range []string{"mirror", "replicaof"} {
		b.Run(how, func(b *testing.B) {
			from, to := startRedis(b), startRedis(b)
			pushList(b, from, "data:list", 1_000_000, 100)
			follow(b, how, from, to)
			set, pushed := newProbe("data:set"), newProbe("data:pushed")
			unwatch := watchProbes(b, to, set, pushed)
			stop, began := steadyWrites(b, from, "data:", 5000), time.Now()
			for range b.N {
				sendProbes(b, from, set, pushed)
			}
			b.ReportMetric(float64(stop())/time.Since(began).Seconds(), "writes/s")
			testkit.Eventually(b, "all probes have arrived", func() bool { return set.arrived() && pushed.arrived() })
			unwatch()
			set.report(b, "set")
			pushed.report(b, "lpush")
			requireSameMatches(b, from, to, "data:*")
		})
	}
}

// follow keeps one server in step with another, and returns when it is.
func follow(b *testing.B, how string, from, to *testServer) {
	b.Helper()
	if how == "replicaof" {
		replicate(b, from, to)
		return
	}
	startChild(b, "mirror", from, to, "data:*").report(b)
}

func sendProbes(b *testing.B, from *testServer, set, pushed *probe) {
	ctx := context.Background()
	for until := time.Now().Add(probed); time.Now().Before(until); time.Sleep(probeEvery) { // the pace of the probes
		from.pipe(b, func(p redis.Pipeliner) {
			p.Set(ctx, set.key, set.send(), 0)
			p.LPush(ctx, pushed.key, pushed.send())
		})
		set.acknowledged()
		pushed.acknowledged()
	}
}

// watchProbes has the target tell of each write to a probe's key, and notes what can be read there from then on.
func watchProbes(b *testing.B, to *testServer, set, pushed *probe) (stop func()) {
	ctx := b.Context()
	to.do(b, "CONFIG", "SET", "notify-keyspace-events", "KA")
	events := to.PSubscribe(ctx, "__keyspace@0__:data:set", "__keyspace@0__:data:pushed")
	if _, err := events.Receive(ctx); err != nil {
		b.Fatal(err)
	}
	go func() {
		for event := range events.Channel() {
			told := time.Now()
			if strings.HasSuffix(event.Channel, set.key) {
				set.seen(to.Get(ctx, set.key).Val(), told)
			} else {
				pushed.seen(to.LIndex(ctx, pushed.key, 0).Val(), told)
			}
		}
	}()
	return func() { events.Close() }
}

func (p *probe) report(b *testing.B, name string) {
	b.Helper()
	lags := p.lags()
	if len(lags) == 0 {
		b.Fatalf("no %s was seen", name)
	}
	b.ReportMetric(milliseconds(quantile(lags, 0.5)), name+"-p50-ms")
	b.ReportMetric(milliseconds(quantile(lags, 0.99)), name+"-p99-ms")
}
