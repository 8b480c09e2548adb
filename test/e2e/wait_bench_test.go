package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/test/load"
)

// stopwatch is clients that keep their connections and note when each request began and ended.
type stopwatch struct {
	mu   sync.Mutex
	seen [][2]time.Time
}

func (w *stopwatch) client(ctx context.Context, s *site) {
	c := load.NewClient("127.0.0.1:" + s.ports["edge"])
	defer c.Close()
	for ctx.Err() == nil {
		request, err := http.NewRequest(http.MethodGet, s.edge("/health"), nil)
		if err != nil {
			return
		}
		begun := time.Now()
		if status, _, _, err := c.Do(context.WithoutCancel(ctx), request); err != nil || status != http.StatusOK {
			s.t.Errorf("a request failed: status %d, %v", status, err)
		}
		w.note(begun, time.Now())
		time.Sleep(2 * time.Millisecond)
	}
}

func (w *stopwatch) note(begun, ended time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, [2]time.Time{begun, ended})
}

// across returns how long those requests took that were under way at the moment.
func (w *stopwatch) across(moment time.Time) (took []time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.seen {
		if r[0].Before(moment) && r[1].After(moment) {
			took = append(took, r[1].Sub(r[0]))
		}
	}
	return took
}

// BenchmarkHeldRequest switches to and fro under a steady flow of requests on kept connections, and reports how long
// those took that waited at the gate: all that were under way when it opened.
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
	var between []time.Duration
	phases := map[deploy.Phase][]time.Duration{}
	const switches = 40
	for range switches {
		d := s.want(s.order("/switch", ""), deploy.StateSucceeded)
		between = append(between, betweenPhases(d))
		for _, p := range d.Phases {
			phases[p.Phase] = append(phases[p.Phase], p.EndedAt.Sub(p.StartedAt))
			if p.Phase == deploy.PhaseRelease {
				waits = append(waits, w.across(p.StartedAt)...)
			}
		}
		b.Log(phaseTimes(d))
	}
	cancel()
	clients.Wait()
	if len(waits) == 0 {
		b.Fatal("nobody waited")
	}
	slices.Sort(waits)
	for _, percent := range []int{50, 99} {
		b.ReportMetric(float64(waits[len(waits)*percent/100].Microseconds())/1000, fmt.Sprintf("ms-p%d", percent))
	}
	for _, p := range []deploy.Phase{deploy.PhaseHold, deploy.PhaseSettle, deploy.PhaseRoute} {
		b.ReportMetric(float64(median(phases[p]).Microseconds())/1000, "ms-"+string(p))
	}
	b.ReportMetric(float64(median(between).Microseconds())/1000, "ms-between-phases")
	b.ReportMetric(float64(len(waits))/switches, "held/switch")
	b.ReportMetric(0, "ns/op")
}

// betweenPhases is what lies between the phases while requests wait: the journal.
func betweenPhases(d deploy.Deployment) (sum time.Duration) {
	for i, p := range d.Phases[1:] {
		switch p.Phase {
		case deploy.PhaseSettle, deploy.PhaseRoute, deploy.PhaseRelease:
			sum += p.StartedAt.Sub(d.Phases[i].EndedAt)
		}
	}
	return sum
}
