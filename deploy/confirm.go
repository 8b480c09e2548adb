package deploy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	// verifyWithin bounds how long the new slice may take to answer through the edge after the route was confirmed.
	verifyWithin = 5 * time.Second
	// awayWithin bounds how long the router may be away, as while it is being restarted, before that is taken for the end
	// of it. It says nothing about the release.
	awayWithin = 30 * time.Second
)

// errAway means that the edge found no router to ask.
var errAway = errors.New("the edge answers by itself, since the router is away")

// confirm looks at the new slice through the way that users' requests take: once at once, then for a while.
func (r *run) confirm(ctx context.Context) error {
	// Being stopped says nothing about the release, so the one look that decides is taken before.
	err := r.phase(context.WithoutCancel(ctx), PhaseVerify, awayWithin+verifyWithin, func(ctx context.Context) (string, error) {
		known, err := r.verify(ctx)
		return known.String(), r.withLogs(ctx, r.d.Slice, err)
	})
	if err != nil || r.app.Watch.Duration == 0 {
		return err
	}
	return r.phase(ctx, PhaseWatch, 0, func(ctx context.Context) (string, error) {
		detail, err := r.watch(ctx)
		return detail, r.withLogs(ctx, r.d.Slice, err)
	})
}

// verify asks until the new slice answers. A slice that answers wrongly has less time than a router that is away.
func (r *run) verify(ctx context.Context) (Witness, error) {
	var wrong stretch
	for {
		known, err := r.look(ctx)
		if err == nil {
			return known, nil
		}
		if wrong.lasts(!errors.Is(err, errAway)) > verifyWithin {
			return known, err
		}
		select {
		case <-ctx.Done():
			return known, err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// stretch is a time for which something has been so without a break.
type stretch struct{ since time.Time }

// lasts tells for how long it has been so by now: 0 if it is not.
func (s *stretch) lasts(so bool) time.Duration {
	if !so {
		s.since = time.Time{}
		return 0
	}
	if s.since.IsZero() {
		s.since = time.Now()
	}
	return time.Since(s.since)
}

// watch asks for a while and counts failures in a row. It does not end while failures are being counted.
func (r *run) watch(ctx context.Context) (string, error) {
	w := r.app.Watch
	end := time.Now().Add(w.Duration)
	tick := time.NewTicker(w.Interval)
	defer tick.Stop()
	asked, failures := 0, 0
	var away stretch
	strays := r.strayWatch()
	for {
		if r.queue.rollbackNext() {
			return "cut short because a rollback was asked for", nil
		}
		select {
		case <-ctx.Done():
			return "cut short because verdigris was stopped", nil
		case <-r.queue.hurry:
			continue
		case <-tick.C:
		}
		strays()
		_, err := r.look(ctx)
		if ctx.Err() != nil {
			continue
		}
		if gone := errors.Is(err, errAway); away.lasts(gone) <= awayWithin && gone {
			continue
		}
		asked++
		if err == nil {
			if failures = 0; !time.Now().Before(end) {
				return fmt.Sprintf("%s made for %s", plural(asked, "request"), w.Duration), nil
			}
			continue
		}
		failures++
		r.progress(PhaseWatch, fmt.Sprintf("%d of %d failures in a row: %v", failures, w.Failures, err))
		if failures >= w.Failures {
			return "", fmt.Errorf("%s in a row failed through the edge: %w", plural(failures, "request"), err)
		}
	}
}

// look makes one request through the edge, and one more where the app says on another path which release it is.
func (r *run) look(ctx context.Context) (Witness, error) {
	ctx, cancel := context.WithTimeout(ctx, r.app.Health.Timeout)
	defer cancel()
	reply, err := r.Router.Get(ctx, r.app.Health.Path)
	switch {
	case err != nil:
		return RouterSays, err
	case reply.Slice == "" && (reply.Status == http.StatusBadGateway || reply.Status == http.StatusGatewayTimeout):
		return RouterSays, errAway // a router names the slice, also where it finds none to ask
	case reply.Slice != "" && reply.Slice != r.d.Slice:
		return RouterSays, fmt.Errorf("%s answered instead of %s", reply.Slice, r.d.Slice)
	case reply.Status != r.app.Health.Status:
		return RouterSays, fmt.Errorf("%s answered %d through the edge instead of %d", r.app.Health.Path, reply.Status, r.app.Health.Status)
	}
	return WhoAnswered(ctx, r.Router, r.app.Health, reply, r.d.Commit)
}
