package load

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Report says what became of a load, by kind of worker.
type Report struct{ Kinds map[string]Tally }

// Sent returns how much there was of all kinds.
func (r Report) Sent() (n int) {
	for _, t := range r.Kinds {
		n += t.Sent
	}
	return n
}

// Failed returns how much of it failed.
func (r Report) Failed() (n int) {
	for _, t := range r.Kinds {
		n += t.Failed
	}
	return n
}

// Failures returns what failed of all kinds, by the time of the first of each.
func (r Report) Failures() (all []Failure) {
	for _, kind := range slices.Sorted(maps.Keys(r.Kinds)) {
		for _, f := range r.Kinds[kind].Failures {
			f.What = kind + ": " + f.What
			all = append(all, f)
		}
	}
	slices.SortStableFunc(all, func(a, b Failure) int { return cmp.Compare(a.First.UnixNano(), b.First.UnixNano()) })
	return all
}

// String lists the kinds, each on a line.
func (r Report) String() string {
	var lines []string
	for _, kind := range slices.Sorted(maps.Keys(r.Kinds)) {
		lines = append(lines, fmt.Sprintf("%s: %s", kind, r.Kinds[kind]))
	}
	return strings.Join(lines, "\n")
}
