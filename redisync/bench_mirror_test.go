package redisync

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"verdigris/deploy"
)

// BenchmarkFreeze measures how long requests wait for the data in a cutover with a mirror in step: the time of Settle
// right after so many writes at once, to a list of 1,000,000 items or to a key each, which they replace or count up.
func BenchmarkFreeze(b *testing.B) {
	for _, shape := range []struct {
		name  string
		write func(p redis.Pipeliner, i int)
	}{{"list", pushOne}, {"keys", setOne}, {"counters", countOne}} {
		for _, delta := range []int{0, 100, 1000, 10_000} {
			b.Run(fmt.Sprintf("%s/delta-%d", shape.name, delta), func(b *testing.B) {
				from, to := startRedis(b), startRedis(b)
				pushList(b, from, "images", 1_000_000, 100)
				data := newData(b, from, to, "images", "key:*", "count:*")
				data.Log = slog.New(slog.DiscardHandler)
				data.Mirror(deploy.Blue)
				defer data.Mirror("")
				var frozen []time.Duration
				for b.Loop() {
					frozen = append(frozen, freeze(b, data, func() { from.pipe(b, repeated(delta, shape.write)) }))
				}
				b.ReportMetric(milliseconds(quantile(frozen, 0.5)), "p50-ms")
				b.ReportMetric(milliseconds(quantile(frozen, 1)), "max-ms")
				b.ReportMetric(0, "ns/op") // of the whole round, which means nothing
				requireSameMatches(b, from, to, "[ikc]*")
			})
		}
	}
}

// freeze goes the way of a cutover up to the end of Settle, which it times, and gives it up.
func freeze(b *testing.B, data *Data, write func()) time.Duration {
	if err := awaitInStep(data); err != nil {
		b.Fatal(err)
	}
	session, err := data.Begin(b.Context(), deploy.Blue, deploy.Green)
	if err != nil {
		b.Fatal(err)
	}
	defer session.Close()
	if _, err := session.Copy(b.Context(), nil); err != nil {
		b.Fatal(err)
	}
	write()
	start := time.Now()
	if _, err := session.Settle(b.Context()); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

// repeated fills a pipeline with n writes.
func repeated(n int, write func(p redis.Pipeliner, i int)) func(redis.Pipeliner) {
	return func(p redis.Pipeliner) {
		for i := range n {
			write(p, i)
		}
	}
}

func pushOne(p redis.Pipeliner, i int) { p.LPush(context.Background(), "images", item(i, 100)) }

func setOne(p redis.Pipeliner, i int) {
	p.Set(context.Background(), fmt.Sprint("key:", i), item(rand.IntN(1000), 100), 0)
}

func countOne(p redis.Pipeliner, i int) { p.Incr(context.Background(), fmt.Sprint("count:", i)) }
