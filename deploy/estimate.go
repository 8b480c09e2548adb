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

// pastHold is the median of the newest cutovers; 0 where there has been none.
func pastHold(newestFirst []Deployment) (hold time.Duration, from string) {
	const enough = 5
	var holds []time.Duration
	for _, d := range newestFirst {
		if took, ok := d.Hold(); ok && len(holds) < enough {
			holds = append(holds, took)
		}
	}
	switch len(holds) {
	case 0:
		return 0, ""
	case 1:
		return holds[0], "what the newest cutover took"
	}
	slices.Sort(holds)
	return holds[len(holds)/2], fmt.Sprintf("the median of the newest %d cutovers", len(holds))
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
