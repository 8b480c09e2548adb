package deploy

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// lingerEvery is the pause between two looks at the requests that stayed on a slice.
const lingerEvery = 100 * time.Millisecond

// linger waits for the requests that stayed on the slice when the traffic left it, before its containers are replaced. It returns
// in words what is cut all the same: streams, which end when their clients want, and what takes longer than LingerTimeout.
func (r *run) linger(ctx context.Context) (cut string, err error) {
	if !r.d.Slice.Production() {
		return "", nil
	}
	began, isSaid := time.Now(), false
	for {
		requests, streams, err := r.Router.Staying(ctx, r.d.Slice)
		if err != nil {
			r.warnStart(fmt.Sprintf("it is not known whether requests stayed on %s, which its new release would cut: %v", r.d.Slice, err))
			return "", nil
		}
		if requests == 0 || time.Since(began) > r.app.LingerTimeout {
			return r.tellCut(requests, streams), nil
		}
		if !isSaid {
			r.logTo(PhaseStart)(fmt.Sprintf("wait for %s that stayed on %s, for %s at most (cutover.linger_timeout)",
				plural(requests, "request"), r.d.Slice, r.app.LingerTimeout))
			isSaid = true
		}
		if !pause(ctx, lingerEvery) {
			return "", context.Cause(ctx)
		}
	}
}

// warnStart has a warning of the start reach the terminal, the record and the log.
func (r *run) warnStart(text string) {
	r.logTo(PhaseStart)("warning: " + text)
	r.worker.log.Warn(text, "deployment", r.d.ID)
}

// tellCut warns of what is cut, and returns it in words.
func (r *run) tellCut(requests, streams int) string {
	var cut []string
	if requests > 0 {
		cut = append(cut, plural(requests, "request"))
	}
	if streams > 0 {
		cut = append(cut, plural(streams, "stream"))
	}
	if len(cut) == 0 {
		return ""
	}
	text := fmt.Sprintf("%s that had stayed there cut", strings.Join(cut, " and "))
	if requests > 0 {
		r.warnStart(fmt.Sprintf("%s on %s, after %s (cutover.linger_timeout)", text, r.d.Slice, r.app.LingerTimeout))
	}
	return text
}
