package e2e

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/test/load"
)

// stopwatch notes when each request began and ended.
type stopwatch struct {
	mu   sync.Mutex
	seen [][2]time.Time
}

func (w *stopwatch) note(x load.Exchange) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, [2]time.Time{x.Start, x.Start.Add(x.Took)})
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

// BenchmarkHeldRequest switches to and fro with the mirror on, a list of 1,000,000 items and 1,000 writes a second through
// the app, and reports how long those requests took that waited at the gate: all that were under way when it opened.
func BenchmarkHeldRequest(b *testing.B) {
	s := newSite(b).blueLive()
	s.fill(deploy.Blue, 1_000_000, 100)
	s.want(s.push(s.commit("second")), deploy.StateSucceeded)
	var w stopwatch
	book := &ledger{}
	var workers []load.Worker
	for i := range 8 {
		reader := s.reader()
		reader.Every, reader.Record = 4*time.Millisecond, w.note
		writer := s.uploader(book, fmt.Sprint("writer-", i), 100)
		writer.Every, writer.Record = 8*time.Millisecond, w.note
		workers = append(workers, reader, writer)
	}
	l := load.Start(b.Context(), load.Plan{Workers: workers})
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
	report := l.Stop()
	b.Log(report)
	if report.Failed() > 0 {
		b.Errorf("failed requests: %s", report)
	}
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

// fill pushes items of that size on a slice's list of pictures.
func (s *site) fill(slice deploy.Slice, items, size int) {
	s.t.Helper()
	const batch = 1000
	c := s.redis(slice)
	for first := 0; first < items; first += batch {
		values := make([]any, batch)
		for i := range values {
			values[i] = fmt.Sprintf("GIF89a%-*d", size-6, first+i)
		}
		if err := c.RPush(s.t.Context(), "images", values...).Err(); err != nil {
			s.t.Fatal(err)
		}
	}
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
