package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/test/load"
)

// stopwatch is clients that keep their connections and note how long each request took.
type stopwatch struct {
	mu   sync.Mutex
	took []time.Duration
}

func (w *stopwatch) client(ctx context.Context, s *site) {
	c := load.NewClient("127.0.0.1:" + s.ports["edge"])
	defer c.Close()
	for ctx.Err() == nil {
		request, err := http.NewRequest(http.MethodGet, s.edge("/health"), nil)
		if err != nil {
			return
		}
		start := time.Now()
		if status, _, _, err := c.Do(context.WithoutCancel(ctx), request); err != nil || status != http.StatusOK {
			s.t.Errorf("a request failed: status %d, %v", status, err)
		}
		w.note(time.Since(start))
		time.Sleep(2 * time.Millisecond)
	}
}

func (w *stopwatch) note(took time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.took = append(w.took, took)
}

// longest takes the n longest of the times since the last call.
func (w *stopwatch) longest(n int) []time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	slices.Sort(w.took)
	longest := slices.Clone(w.took[max(len(w.took)-n, 0):])
	w.took = nil
	return longest
}

// BenchmarkHeldRequest switches to and fro under a steady flow of requests on kept connections, and reports how long
// those took that waited at the gate: the longest of each switch, as many as its record counts.
func BenchmarkHeldRequest(b *testing.B) {
	s := newSite(b, func(s *site) { s.replace("verdigris.yml", "watch: {duration: 1s,", "watch: {duration: 100ms,") }).blueLive()
	s.want(s.push(s.commit("second")), deploy.StateSucceeded)
	ctx, cancel := context.WithCancel(b.Context())
	var w stopwatch
	var clients sync.WaitGroup
	for range 16 {
		clients.Go(func() { w.client(ctx, s) })
	}
	var waits []time.Duration
	phases := map[deploy.Phase][]time.Duration{}
	const switches = 40
	for range switches {
		w.longest(0)
		d := s.want(s.order("/switch", ""), deploy.StateSucceeded)
		waits = append(waits, w.longest(heldBy(d))...)
		for _, p := range d.Phases {
			phases[p.Phase] = append(phases[p.Phase], p.EndedAt.Sub(p.StartedAt))
		}
		b.Log(phaseTimes(d))
	}
	cancel()
	clients.Wait()
	slices.Sort(waits)
	for _, percent := range []int{50, 99} {
		b.ReportMetric(float64(waits[len(waits)*percent/100].Microseconds())/1000, fmt.Sprintf("ms-p%d", percent))
	}
	for _, p := range []deploy.Phase{deploy.PhaseHold, deploy.PhaseSettle, deploy.PhaseRoute} {
		b.ReportMetric(float64(median(phases[p]).Microseconds())/1000, "ms-"+string(p))
	}
	b.ReportMetric(float64(len(waits))/switches, "held/switch")
	b.ReportMetric(0, "ns/op")
}

// heldBy reads how many requests waited from the deployment's record.
func heldBy(d deploy.Deployment) (n int) {
	for _, p := range d.Phases {
		if p.Phase == deploy.PhaseRelease {
			_, _ = fmt.Sscanf(strings.TrimSpace(p.Detail), "%d", &n) // without a number, none waited
		}
	}
	return n
}
