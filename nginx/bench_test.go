package nginx

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"verdigris/internal/testkit"
)

// flow is clients that keep their connections and send a request every few milliseconds; it notes when.
type flow struct {
	mu      sync.Mutex
	seen    []span
	failed  int
	stop    context.CancelFunc
	running sync.WaitGroup
}

// span is one request, from its first byte to the last one of its answer.
type span struct{ from, to time.Time }

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
		from := time.Now()
		status, _, _, err := c.do(r)
		f.note(span{from, time.Now()}, err == nil && status == http.StatusOK)
		time.Sleep(2 * time.Millisecond)
	}
}

func (f *flow) note(s span, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, s)
	if !ok {
		f.failed++
	}
}

// await waits for that many more requests.
func (f *flow) await(b *testing.B, n int) {
	b.Helper()
	f.mu.Lock()
	want := len(f.seen) + n
	f.mu.Unlock()
	testkit.Eventually(b, "requests flow", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.seen) >= want
	})
}

// across returns how long those requests took that were under way at one of the moments.
func (f *flow) across(moments []time.Time) (took []time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.seen {
		for _, m := range moments {
			if s.from.Before(m) && s.to.After(m) {
				took = append(took, s.to.Sub(s.from))
			}
		}
	}
	return took
}

func (f *flow) end() {
	f.stop()
	f.running.Wait()
}

// settling stands for the redis part of a cutover.
const settling = 10 * time.Millisecond

// BenchmarkHeldRequest moves the traffic to and fro under a steady flow of requests on kept connections, and reports
// how long those took that waited at the gate: all that were under way when it opened.
func BenchmarkHeldRequest(b *testing.B) {
	s, blue, green := twoSlices(b, nil)
	f := startFlow(b, s.addr, 16)
	var released []time.Time
	from, to := blue, green
	for range 40 {
		f.await(b, 100)
		h, err := s.Hold(b.Context(), to.route())
		testkit.Must(b, err)
		_, err = h.Drain(b.Context(), patience)
		testkit.Must(b, err)
		time.Sleep(settling)
		testkit.Must(b, h.Route(b.Context()))
		released = append(released, time.Now())
		testkit.Must(b, h.Release(b.Context()))
		from, to = to, from
	}
	f.end()
	if f.failed > 0 {
		b.Errorf("%d requests failed", f.failed)
	}
	reportWaits(b, f.across(released))
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
