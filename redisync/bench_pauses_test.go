package redisync

import (
	"testing"
	"time"
)

// BenchmarkCopyPauses measures how a copy by another process disturbs those who use the servers, by the slowest of
// many PINGs on either side, and how much memory it takes. What PINGs can tell is bounded by the machine: idle is the
// source before the copy, and bystander a server that has no part in it, while it goes on. The slowest command is what
// the servers themselves say.
func BenchmarkCopyPauses(b *testing.B) {
	shapes := []struct {
		name   string
		writes int // a second, meanwhile
		fill   func(*testServer)
	}{
		{"list-1000000x100B", 0, func(s *testServer) { pushList(b, s, "small:list", 1_000_000, 100) }},
		{"list-10000x10240B", 0, func(s *testServer) { pushList(b, s, "small:list", 10_000, 10<<10) }},
		{"keys-200000", 0, func(s *testServer) { smallKeys(b, s, 200_000) }},
		{"list-and-keys-5000-writes", 5000, func(s *testServer) {
			pushList(b, s, "small:list", 1_000_000, 100)
			smallKeys(b, s, 200_000)
		}},
	}
	for _, shape := range shapes {
		b.Run(shape.name, func(b *testing.B) {
			d := disturbed{from: startRedis(b), to: startRedis(b), bystander: startRedis(b), pings: map[string][]time.Duration{}}
			shape.fill(d.from)
			for range b.N {
				d.copy(b, shape.writes)
			}
			d.report(b)
		})
	}
}

// disturbed is what copies from one server to another did to those who use them.
type disturbed struct {
	from, to, bystander    *testServer
	pings                  map[string][]time.Duration
	slowestFrom, slowestTo time.Duration
	peakMemory             int64
}

func (d *disturbed) copy(b *testing.B, writes int) {
	d.to.do(b, "FLUSHALL", "SYNC")
	d.during(b, map[string]*testServer{"idle": d.from}, func() { time.Sleep(time.Second) }) // how it is without a copy
	for _, s := range []*testServer{d.from, d.to} {
		s.do(b, "SLOWLOG", "RESET")
		s.do(b, "CONFIG", "SET", "slowlog-log-slower-than", 200, "slowlog-max-len", 100_000)
	}
	stopWrites := steadyWrites(b, d.from, "small:", writes)
	var copying *child
	d.during(b, map[string]*testServer{"from": d.from, "to": d.to, "bystander": d.bystander}, func() {
		copying = startChild(b, "copy", d.from, d.to, "small:*")
		copying.report(b)
	})
	d.slowestFrom, d.slowestTo = max(d.slowestFrom, slowest(b, d.from)), max(d.slowestTo, slowest(b, d.to))
	stopWrites()
	copying.next(b)
	d.peakMemory = max(d.peakMemory, copying.report(b).PeakMemory)
	copying.end()
	requireSameMatches(b, d.from, d.to, "small:*")
}

// during notes the pulses of servers while something is done.
func (d *disturbed) during(b *testing.B, servers map[string]*testServer, do func()) {
	stops := map[string]func() []time.Duration{}
	for name, s := range servers {
		stops[name] = takePulse(b, s)
	}
	do()
	for name, stop := range stops {
		d.pings[name] = append(d.pings[name], stop()...)
	}
}

func (d *disturbed) report(b *testing.B) {
	for name, pings := range d.pings {
		b.ReportMetric(milliseconds(quantile(pings, 0.99)), name+"-p99-ms")
		b.ReportMetric(milliseconds(quantile(pings, 1)), name+"-max-ms")
	}
	b.ReportMetric(milliseconds(d.slowestFrom), "from-slowest-command-ms")
	b.ReportMetric(milliseconds(d.slowestTo), "to-slowest-command-ms")
	b.ReportMetric(float64(d.peakMemory)/(1<<20), "peak-MB")
}

// takePulse asks PING after PING until stop is called, which returns how long each answer took.
func takePulse(t testing.TB, s *testServer) (stop func() []time.Duration) {
	t.Helper()
	client := s.Conn()
	end, taken := make(chan struct{}), make(chan []time.Duration)
	go func() {
		var all []time.Duration
		defer func() { taken <- all }()
		for {
			select {
			case <-end:
				return
			case <-time.After(500 * time.Microsecond):
			}
			asked := time.Now()
			if err := client.Ping(t.Context()).Err(); err != nil {
				t.Errorf("ping: %v", err)
				return
			}
			all = append(all, time.Since(asked))
		}
	}()
	return func() []time.Duration {
		close(end)
		defer client.Close()
		return <-taken
	}
}

// slowest is how long the server was at the slowest of its commands, by its own measure.
func slowest(t testing.TB, s *testServer) (longest time.Duration) {
	t.Helper()
	for _, entry := range s.do(t, "SLOWLOG", "GET", -1).([]any) {
		micros := entry.([]any)[2].(int64)
		longest = max(longest, time.Duration(micros)*time.Microsecond)
	}
	return longest
}
