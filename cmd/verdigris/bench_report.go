package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"verdigris/test/load"
)

// benchResult is what bench cutover prints with --json.
type benchResult struct {
	URL      string               `json:"url"`
	Requests int                  `json:"requests"` // and pings
	Failed   int                  `json:"failed"`
	Failures []benchFailure       `json:"failures"`
	Kinds    map[string]benchKind `json:"kinds"`
	// Calm and During are the latencies of GET and POST without and during cutovers.
	Calm     benchLatency `json:"calm"`
	During   benchLatency `json:"during"`
	Cutovers []cutover    `json:"cutovers"`
	heldCounts
}

type benchFailure struct {
	What  string    `json:"what"`
	Count int       `json:"count"`
	First time.Time `json:"first"`
}

type benchKind struct {
	Sent   int            `json:"sent"`
	Failed int            `json:"failed"`
	Closed int            `json:"closed"` // websockets that the app ended in the proper way
	Slices map[string]int `json:"slices,omitempty"`
	benchLatency
}

type benchLatency struct {
	Count     int     `json:"count"`
	P50MS     float64 `json:"p50_ms"`
	P99MS     float64 `json:"p99_ms"`
	LongestMS float64 `json:"longest_ms"`
}

func latencyOf(h *load.Histogram) benchLatency {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return benchLatency{Count: h.Count(), P50MS: ms(h.Percentile(50)), P99MS: ms(h.Percentile(99)), LongestMS: ms(h.Longest())}
}

func (b *bench) result(report load.Report) benchResult {
	r := benchResult{
		URL: b.site.String(), Requests: report.Sent(), Failed: report.Failed(), Failures: []benchFailure{}, Kinds: map[string]benchKind{},
		Calm: latencyOf(&b.split.calm), During: latencyOf(&b.split.during), Cutovers: append([]cutover{}, b.done...),
	}
	for _, f := range report.Failures() {
		r.Failures = append(r.Failures, benchFailure(f))
	}
	for kind, t := range report.Kinds {
		r.Kinds[kind] = benchKind{t.Sent, t.Failed, t.Closed, t.Slices, latencyOf(&t.Latency)}
	}
	for _, one := range b.done {
		r.Held += one.Held
		r.Stayed += one.Stayed
		r.LongestMS = max(r.LongestMS, one.LongestMS)
	}
	return r
}

// print writes what came out of it, for people or as JSON.
func (b *bench) print(report load.Report) error {
	r := b.result(report)
	if b.json {
		return b.writeJSON(r)
	}
	fmt.Fprintln(b.out)
	rows := [][]string{{"", "COUNT", "FAILED", "P50 MS", "P99 MS", "LONGEST MS"}}
	for _, kind := range slices.Sorted(maps.Keys(r.Kinds)) {
		rows = append(rows, r.Kinds[kind].row(kind, fmt.Sprint(r.Kinds[kind].Sent), fmt.Sprint(r.Kinds[kind].Failed)))
	}
	rows = append(rows, r.Calm.row("without a cutover", fmt.Sprint(r.Calm.Count), ""), r.During.row("during cutovers", fmt.Sprint(r.During.Count), ""))
	if err := b.writeTable(rows); err != nil {
		return err
	}
	fmt.Fprintf(b.out, "\n%d cutovers; %d requests waited at the gate, at most %d ms; %d stayed on the slice that was left\n",
		len(r.Cutovers), r.Held, r.LongestMS, r.Stayed)
	fmt.Fprintf(b.out, "%d requests, %d failed\n", r.Requests, r.Failed)
	for _, f := range r.Failures {
		fmt.Fprintf(b.out, "  %d x %s, first at %s\n", f.Count, f.What, f.First.Format("15:04:05.000"))
	}
	return nil
}

func (l benchLatency) row(name, count, failed string) []string {
	if l.Count == 0 {
		return []string{name, count, failed, "-", "-", "-"}
	}
	ms := func(x float64) string { return fmt.Sprintf("%.1f", x) }
	return []string{name, count, failed, ms(l.P50MS), ms(l.P99MS), ms(l.LongestMS)}
}
