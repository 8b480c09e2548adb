package nginx

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// flow is clients that keep their connections and send a request every few milliseconds; it notes how long each took.
type flow struct {
	mu      sync.Mutex
	took    []time.Duration
	failed  int
	stop    context.CancelFunc
	running sync.WaitGroup
}

func startFlow(b *testing.B, addr string, clients int) *flow {
	ctx, cancel := context.WithCancel(b.Context())
	f := &flow{stop: cancel}
	b.Cleanup(f.end)
	for range clients {
		f.running.Go(func() { f.client(ctx, addr) })
	}
	return f
}

func (f *flow) client(ctx context.Context, addr string) {
	c := &rawClient{addr: addr}
	defer c.close()
	for ctx.Err() == nil {
		r, err := http.NewRequest(http.MethodGet, "http://"+addr+"/", nil)
		if err != nil {
			return
		}
		start := time.Now()
		status, _, _, err := c.do(r)
		f.note(time.Since(start), err == nil && status == http.StatusOK)
		time.Sleep(2 * time.Millisecond)
	}
}

func (f *flow) note(took time.Duration, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.took = append(f.took, took)
	if !ok {
		f.failed++
	}
}

// longest takes the n longest of the times since the last call, once that many more have come.
func (f *flow) longest(b *testing.B, n int) []time.Duration {
	b.Helper()
	f.mu.Lock()
	begun := len(f.took)
	f.mu.Unlock()
	eventually(b, "those that waited have their answers", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.took) >= begun+n
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	slices.Sort(f.took)
	longest := slices.Clone(f.took[len(f.took)-n:])
	f.took = nil
	return longest
}

func (f *flow) end() {
	f.stop()
	f.running.Wait()
}

// settling stands for the redis part of a cutover.
const settling = 10 * time.Millisecond

// BenchmarkHeldRequest moves the traffic to and fro under a steady flow of requests on kept connections, and reports
// how long those took that waited at the gate: the longest of each cutover, as many as the gate has counted.
func BenchmarkHeldRequest(b *testing.B) {
	s, blue, green := twoSlices(b, nil)
	f := startFlow(b, s.addr, 16)
	var waits []time.Duration
	from, to := blue, green
	for range 40 {
		f.longest(b, 100) // so that requests flow, and none from before counts
		h, err := s.Hold(b.Context(), to.route())
		must(b, err)
		_, err = h.Drain(b.Context(), patience)
		must(b, err)
		time.Sleep(settling)
		must(b, h.Route(b.Context()))
		held, _, err := h.Release(b.Context())
		must(b, err)
		waits = append(waits, f.longest(b, held)...)
		from, to = to, from
	}
	f.end()
	if f.failed > 0 {
		b.Errorf("%d requests failed", f.failed)
	}
	reportWaits(b, waits)
}

func reportWaits(b *testing.B, waits []time.Duration) {
	slices.Sort(waits)
	for _, percent := range []int{50, 99} {
		wait := waits[min(len(waits)*percent/100, len(waits)-1)]
		b.ReportMetric(float64(wait.Microseconds())/1000, fmt.Sprintf("ms-p%d", percent))
	}
	b.ReportMetric(float64(len(waits)), "held")
	b.ReportMetric(0, "ns/op")
}
