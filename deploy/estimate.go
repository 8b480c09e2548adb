package deploy

import (
	"fmt"
	"slices"
	"time"
)

// What a hold is assumed to take where there has been none yet. The data is what is compared while requests wait; the
// bulk of it is copied before.
const (
	assumedRouter = 100 * time.Millisecond
	assumedBytes  = 500_000_000 // compared in a second
	assumedKeys   = 200_000     // compared in a second
)

// pastHold is a median of the newest cutovers: of the longest wait in each in which requests waited, or else of how long
// one could have waited; 0 where there has been no cutover.
func pastHold(newestFirst []Deployment) (hold time.Duration, from string) {
	var waited, possible []time.Duration
	for _, d := range newestFirst {
		took, ok := d.Hold()
		switch {
		case !ok:
		case d.Held > 0:
			waited = append(waited, time.Duration(max(1, d.LongestHold))*time.Millisecond)
		default:
			possible = append(possible, took)
		}
	}
	if len(waited) > 0 {
		hold, n := medianOfNewest(waited)
		return hold, "the longest wait in " + newest(n) + " in which requests waited"
	}
	if len(possible) > 0 {
		hold, n := medianOfNewest(possible)
		return hold, "at most, from hold to release in " + newest(n) + ", in which no request waited"
	}
	return 0, ""
}

// medianOfNewest is the median of the first few, and of how many.
func medianOfNewest(newestFirst []time.Duration) (median time.Duration, n int) {
	n = min(len(newestFirst), 5)
	few := slices.Sorted(slices.Values(newestFirst[:n]))
	return few[n/2], n
}

func newest(n int) string {
	if n == 1 {
		return "the newest cutover"
	}
	return fmt.Sprintf("the median of the newest %d cutovers", n)
}

// assumedHold says on what it rests.
func assumedHold(data *CopyEstimate) (hold time.Duration, from string) {
	from = fmt.Sprintf("no cutover yet: assuming %d ms for the router", assumedRouter.Milliseconds())
	if data == nil {
		return assumedRouter, from
	}
	seconds := float64(data.Bytes)/assumedBytes + float64(data.Keys)/assumedKeys
	from += fmt.Sprintf(", and %s and %d keys a second for comparing the data", size(assumedBytes), assumedKeys)
	return assumedRouter + time.Duration(seconds*float64(time.Second)), from
}
