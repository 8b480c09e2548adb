package redisync

import (
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"verdigris/internal/testkit"
)

// BenchmarkMirrorCost measures what a mirror costs the source, by redis-benchmark, which writes as fast as it can, one
// command or sixteen at a time: processor time for each write against none following (x-cpu), and writes a second against
// redis' own replica (x-replicaof). Each of the three has servers of its own, and their turns come one after another.
func BenchmarkMirrorCost(b *testing.B) {
	for _, shape := range []struct{ pipeline, writes int }{{1, 100_000}, {16, 500_000}} {
		b.Run(fmt.Sprintf("pipeline-%d", shape.pipeline), func(b *testing.B) {
			alone, mirrored, replicated := newBurdened(b, ""), newBurdened(b, "mirror"), newBurdened(b, "replicaof")
			for range b.N {
				for _, s := range []*burdened{alone, mirrored, replicated} {
					s.write(b, shape.writes, shape.pipeline)
				}
			}
			b.ReportMetric(mirrored.cpu()/alone.cpu(), "x-cpu")
			b.ReportMetric(replicated.cpu()/alone.cpu(), "x-cpu-replicaof")
			b.ReportMetric(mirrored.rate()/replicated.rate(), "x-replicaof")
			b.ReportMetric(mirrored.rate()/alone.rate(), "x-alone")
			b.ReportMetric(mirrored.rate(), "writes/s")
			requireSameMatches(b, mirrored.from, mirrored.to, "data:*")
		})
	}
}

// burdened is a server that is followed in one way, and what writing to it took.
type burdened struct {
	from, to *testServer
	how      string
	cpus     []time.Duration // of the server's process for each write
	rates    []time.Duration // from one write to the next
}

func newBurdened(b *testing.B, how string) *burdened {
	s := &burdened{from: startRedis(b), how: how}
	if how != "" {
		s.to = startRedis(b)
		follow(b, how, s.from, s.to)
	}
	return s
}

func (s *burdened) write(b *testing.B, writes, pipeline int) {
	before := cpuTime(b, s.from)
	rate := flood(b, s.from, writes, pipeline)
	s.settle(b)
	s.cpus = append(s.cpus, (cpuTime(b, s.from)-before)/time.Duration(writes))
	s.rates = append(s.rates, time.Duration(float64(time.Second)/rate))
}

// settle waits until what follows the server has caught up, so that the next turn is not disturbed.
func (s *burdened) settle(b *testing.B) {
	if s.to == nil {
		return
	}
	last := strconv.FormatInt(time.Now().UnixNano(), 10)
	s.from.do(b, "SET", "data:last", last)
	testkit.Eventually(b, "the last write has arrived", func() bool { return s.to.Get(b.Context(), "data:last").Val() == last })
}

// cpu and rate are medians.
func (s *burdened) cpu() float64  { return float64(quantile(s.cpus, 0.5)) }
func (s *burdened) rate() float64 { return 1 / quantile(s.rates, 0.5).Seconds() }

// flood has redis-benchmark write to random keys, and returns how many writes a second that were.
func flood(b *testing.B, s *testServer, writes, pipeline int) (rate float64) {
	b.Helper()
	host, port := s.hostPort()
	out, err := exec.Command(program(b, "redis-benchmark"), "-h", host, "-p", port, "-n", strconv.Itoa(writes),
		"-P", strconv.Itoa(pipeline), "-r", "10000", "--csv", "SET", "data:__rand_int__", strings.Repeat("x", 100)).Output()
	if err != nil {
		b.Fatalf("redis-benchmark: %v: %s", err, out)
	}
	rows, err := csv.NewReader(strings.NewReader(string(out))).ReadAll()
	if err != nil || len(rows) != 2 {
		b.Fatalf("redis-benchmark said %q: %v", out, err)
	}
	if rate, err = strconv.ParseFloat(rows[1][1], 64); err != nil {
		b.Fatal(err)
	}
	return rate
}

// cpuTime is how much processor time a server's process has taken so far.
func cpuTime(t testing.TB, s *testServer) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.process.Pid))
	testkit.Must(t, err)
	_, after, _ := strings.Cut(string(stat), ") ") // the program's name may have spaces
	fields := strings.Fields(after)
	const user, system, ticks = 11, 12, 100 // of what follows the name; ticks a second
	sum := 0
	for _, field := range []int{user, system} {
		n, err := strconv.Atoi(fields[field])
		testkit.Must(t, err)
		sum += n
	}
	return time.Duration(sum) * time.Second / ticks
}
