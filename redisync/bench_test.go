package redisync

import (
	"fmt"
	"net"
	"testing"
	"time"

	"verdigris/deploy"
)

// The benchmarks measure a copy and redis' own MIGRATE ... COPY REPLACE in turns, so that the ratio between them
// holds on any machine: x-migrate is how many times as fast the copy is. MIGRATE is fastest with a thousand keys in
// one command; x-migrate-100 is the ratio to what people do more often, a hundred at a time.

func BenchmarkCopyList(b *testing.B) {
	for _, shape := range []struct{ items, size int }{{1_000_000, 100}, {10_000, 10 << 10}} {
		b.Run(fmt.Sprintf("%dx%dB", shape.items, shape.size), func(b *testing.B) {
			from, to := startRedis(b), startRedis(b)
			pushList(b, from, "images", shape.items, shape.size)
			b.SetBytes(int64(shape.items * shape.size))
			againstMigrate(b, from, to, "images")
			if n := to.LLen(b.Context(), "images").Val(); n != int64(shape.items) {
				b.Fatalf("%d items arrived", n)
			}
		})
	}
}

func BenchmarkCopySmallKeys(b *testing.B) {
	const keys = 200_000
	from, to := startRedis(b), startRedis(b)
	smallKeys(b, from, keys)
	againstMigrate(b, from, to, "small:*")
	if n := to.DBSize(b.Context()).Val(); n != keys {
		b.Fatalf("%d keys arrived", n)
	}
	b.ReportMetric(keys*float64(b.N)/b.Elapsed().Seconds(), "keys/s")
}

// BenchmarkSettle measures the comparison that requests are held for, with nothing left to copy.
func BenchmarkSettle(b *testing.B) {
	for name, fill := range map[string]func(s *testServer){
		"list-1000000x100B": func(s *testServer) { pushList(b, s, "small:list", 1_000_000, 100) },
		"keys-200000":       func(s *testServer) { smallKeys(b, s, 200_000) },
	} {
		b.Run(name, func(b *testing.B) {
			from, to := startRedis(b), startRedis(b)
			fill(from)
			session := begin(b, newData(b, from, to, "small:*"))
			if _, err := session.Copy(b.Context(), nil); err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			for range b.N {
				report, err := session.Settle(b.Context())
				if err != nil || report.Keys != 0 {
					b.Fatal(report, err)
				}
			}
		})
	}
}

func againstMigrate(b *testing.B, from, to *testServer, pattern string) {
	took := map[string][]time.Duration{}
	flush := func() { to.do(b, "FLUSHALL", "SYNC") }
	in := func(name string, work func()) {
		start := time.Now()
		work()
		took[name] = append(took[name], time.Since(start))
	}
	for b.Loop() {
		b.StopTimer()
		flush()
		in("100", func() { migrate(b, from, to, pattern, 100) })
		flush()
		in("1000", func() { migrate(b, from, to, pattern, 1000) })
		flush()
		b.StartTimer()
		in("copy", func() { copyOnce(b, newData(b, from, to, pattern)) })
	}
	own := quantile(took["copy"], 0.5).Seconds()
	b.ReportMetric(quantile(took["1000"], 0.5).Seconds()/own, "x-migrate")
	b.ReportMetric(quantile(took["100"], 0.5).Seconds()/own, "x-migrate-100")
}

func copyOnce(b *testing.B, data *Data) {
	session, err := data.Begin(b.Context(), deploy.Blue, deploy.Green)
	if err != nil {
		b.Fatal(err)
	}
	defer session.Close()
	if _, err := session.Copy(b.Context(), nil); err != nil {
		b.Fatal(err)
	}
}

// migrate finds the keys by SCAN, as a copy does, and moves about that many at a time.
func migrate(b *testing.B, from, to *testServer, pattern string, width int64) {
	host, port, _ := net.SplitHostPort(to.address)
	for cursor := uint64(0); ; {
		names, next, err := from.Scan(b.Context(), cursor, pattern, width).Result()
		if err != nil {
			b.Fatal(err)
		}
		args := []any{"MIGRATE", host, port, "", 0, 600_000, "COPY", "REPLACE", "KEYS"}
		for _, name := range names {
			args = append(args, name)
		}
		if len(names) > 0 {
			from.do(b, args...)
		}
		if cursor = next; cursor == 0 {
			return
		}
	}
}
