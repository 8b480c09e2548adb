package load

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Tally counts what the workers of one kind did.
type Tally struct {
	Sent, Failed int
	// Closed counts the connections that the server ended in the proper way.
	Closed int
	// Latency has what came out well.
	Latency Histogram
	// Slices counts by the slice that answered.
	Slices map[string]int
	// Failures are in the order of the first of each.
	Failures []Failure
}

// Failure is one way in which things failed.
type Failure struct {
	What  string
	Count int
	First time.Time
}

// maxFailures bounds how many different failures are told apart.
const maxFailures = 20

// otherFailures is what the rest is called.
const otherFailures = "other failures"

func (t *Tally) add(e Entry) {
	if e.Closed {
		t.Closed++
		return
	}
	t.Sent++
	if e.Slice != "" {
		if t.Slices == nil {
			t.Slices = map[string]int{}
		}
		t.Slices[e.Slice]++
	}
	if e.Err != nil {
		t.fail(e)
		return
	}
	t.Latency.Add(e.Took)
}

func (t *Tally) fail(e Entry) {
	t.Failed++
	what := e.Err.Error()
	same := func(f Failure) bool { return f.What == what }
	i := slices.IndexFunc(t.Failures, same)
	if i < 0 && len(t.Failures) >= maxFailures {
		what = otherFailures
		i = slices.IndexFunc(t.Failures, same)
	}
	if i < 0 {
		t.Failures = append(t.Failures, Failure{What: what, Count: 1, First: e.Start})
		return
	}
	t.Failures[i].Count++
}

func (t *Tally) clone() Tally {
	c := *t
	c.Latency, c.Slices, c.Failures = t.Latency.clone(), maps.Clone(t.Slices), slices.Clone(t.Failures)
	return c
}

// String lists a tally on one line: how much there was, how long it took, and what failed.
func (t Tally) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%d, %d failed", t.Sent, t.Failed)
	if t.Closed > 0 {
		fmt.Fprintf(&s, ", %d closed", t.Closed)
	}
	if h := &t.Latency; h.Count() > 0 {
		fmt.Fprintf(&s, ", p50 %s, p90 %s, p99 %s, longest %s ms",
			ms(h.Percentile(50)), ms(h.Percentile(90)), ms(h.Percentile(99)), ms(h.Longest()))
	}
	for _, f := range t.Failures {
		fmt.Fprintf(&s, "; %dx %s, first at %s", f.Count, f.What, f.First.Format("15:04:05.000"))
	}
	return s.String()
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d.Microseconds())/1000) }
