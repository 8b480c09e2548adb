package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// firstLook is how soon a slice that does not answer yet is asked again; the pause then grows to the interval.
const firstLook = 20 * time.Millisecond

// routerWithin is how long the router, which passes the questions on, may be away.
const routerWithin = 10 * time.Second

// maxSmokeBody bounds how much of a smoke check's answer is read.
const maxSmokeBody = 1 << 20

// thoroughness says how much proof of health a phase asks for.
type thoroughness int

const (
	ready thoroughness = iota // as many successes in a row as configured
	alive                     // one, for a slice that has run for a while
)

// prober asks containers over HTTP and follows no redirects: the status that is expected is the one that the app itself
// gives.
type prober struct{ client *http.Client }

// fromHere makes each request on a connection of its own.
var fromHere = &http.Transport{DisableKeepAlives: true, Proxy: nil}

func newProber(way http.RoundTripper) *prober {
	return &prober{client: &http.Client{
		Transport:     way,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// proberOf asks a slice that may take traffic from where the router is, since its requests will come from there.
func (w *worker) proberOf(slice Slice) *prober {
	if slice.Production() {
		return newProber(w.Router)
	}
	return newProber(fromHere)
}

// probeSlice waits until every container of the slice is healthy, then makes the smoke checks.
func (r *run) probeSlice(ctx context.Context, how thoroughness, smoke []Check) error {
	h := r.app.Health
	if how == alive {
		h.Successes = 1
	}
	return r.phase(ctx, PhaseProbe, h.Deadline, func(ctx context.Context) (string, error) {
		if how == alive { // a health check may write, and what the traffic has left is fenced until it comes back
			if err := r.openData(ctx, r.d.Slice); err != nil {
				return "", err
			}
		}
		endpoints, err := r.untilHealthy(ctx, h, how)
		if err != nil {
			return "", r.withLogs(ctx, r.d.Slice, ExplainReach(ctx, r.Runtime, r.d.Slice, err))
		}
		for _, check := range smoke {
			for _, e := range endpoints {
				if err := r.proberOf(r.d.Slice).check(ctx, e, check, h.Timeout); err != nil {
					return "", r.withLogs(ctx, r.d.Slice, err)
				}
			}
		}
		detail := plural(len(endpoints), "container") + " healthy"
		if len(smoke) > 0 {
			detail += ", " + plural(len(smoke), "smoke check") + " passed"
		}
		return detail, nil
	})
}

// untilHealthy asks again and again until all endpoints have answered well so many times in a row.
func (r *run) untilHealthy(ctx context.Context, h Health, how thoroughness) ([]Endpoint, error) {
	successes, pause := 0, min(firstLook, h.Interval)
	var told error // the last that was not merely the end of the time
	var away stretch
	for {
		endpoints, err := r.healthOnce(ctx, h, how)
		// A router that is being restarted is waited for; one that stays away says nothing about the slice.
		silent := errors.As(err, new(*RouterError)) && ctx.Err() == nil
		if away.lasts(silent) > routerWithin {
			return nil, err
		}
		if err == nil {
			if successes++; successes >= h.Successes {
				r.answered = endpoints
				return endpoints, nil
			}
			pause = h.Interval
		} else {
			successes = 0
			if isFatal(err) {
				return nil, err
			}
			if ctx.Err() == nil {
				if told == nil || err.Error() != told.Error() {
					r.progress(PhaseProbe, err.Error())
				}
				told = err
			}
		}
		select {
		case <-ctx.Done():
			if errors.As(told, new(*RouterError)) {
				return nil, told
			}
			return nil, fmt.Errorf("%s did not become healthy: %w", r.d.Slice, cmp.Or(told, ctx.Err()))
		case <-time.After(pause):
			pause = min(pause*3/2, h.Interval)
		}
	}
}

// healthOnce looks at the containers first (one that has died will not get healthy) and then asks each endpoint. Of a
// slice that has run for a while only the answers count: its worker may have died weeks ago, and it can still be the
// better one.
func (r *run) healthOnce(ctx context.Context, h Health, how thoroughness) ([]Endpoint, error) {
	observed, err := r.Runtime.Observe(ctx, r.d.Slice)
	if err != nil {
		return nil, err
	}
	if how == ready {
		for _, c := range observed.Containers {
			if err := containerHealth(c); err != nil {
				return nil, err
			}
		}
	}
	if !observed.Running() {
		return nil, Unroutable(ctx, r.Runtime, r.d.Slice)
	}
	return r.answering(ctx, observed)
}

// answering returns the endpoints that requests could be sent to. All healthy ones have to answer the health check; where
// the engine calls all unhealthy, those that answer it count, and one is enough.
func (w *worker) answering(ctx context.Context, observed SliceStatus) (answered []Endpoint, err error) {
	h := w.app.Health
	check := Check{Name: "health", Method: http.MethodGet, Path: h.Path, Status: h.Status}
	probe, healthy := w.proberOf(observed.Slice), observed.healthy()
	for _, e := range healthy {
		if err := probe.check(ctx, e, check, h.Timeout); err != nil {
			return nil, err
		}
	}
	if len(healthy) > 0 {
		return healthy, nil
	}
	for _, e := range observed.Endpoints {
		if failed := probe.check(ctx, e, check, h.Timeout); failed != nil {
			err = failed
			continue
		}
		answered = append(answered, e)
	}
	if len(answered) > 0 {
		return answered, nil
	}
	return nil, err
}

// fatalError is a state that no waiting mends.
type fatalError struct{ error }

func isFatal(err error) bool {
	_, ok := err.(fatalError)
	return ok
}

// maxRestarts is how often a container may come back before it counts as one that cannot stay up. The engine counts
// for the whole life of a container, so one that runs now is not held to it.
const maxRestarts = 2

func containerHealth(c ContainerStatus) error {
	switch {
	case c.Worker: // it runs on the live slice alone, so that how it stands says nothing yet
		return nil
	case c.State == "dead", c.State == "exited" && c.ExitCode != 0:
		return fatalError{fmt.Errorf("container %s exited with status %d", c.Name, c.ExitCode)}
	case c.State == "restarting" && c.Restarts > maxRestarts:
		return fatalError{fmt.Errorf("container %s keeps exiting: %d restarts, last status %d", c.Name, c.Restarts, c.ExitCode)}
	case c.Health == "unhealthy":
		return fmt.Errorf("container %s is unhealthy by its own healthcheck", c.Name)
	case c.Health == "starting":
		return fmt.Errorf("container %s is still starting by its own healthcheck", c.Name)
	}
	return nil
}

// check makes one request and holds the answer against what is expected.
func (p *prober) check(ctx context.Context, e Endpoint, c Check, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, c.Method, "http://"+e.Address+c.Path, strings.NewReader(c.Body))
	if err != nil {
		return fmt.Errorf("%s check: %w", c.Name, err)
	}
	for name, value := range c.Headers {
		req.Header.Set(name, value)
		if strings.EqualFold(name, "host") {
			req.Host = value
		}
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return fmt.Errorf("%s check of %s: %w", c.Name, e.Container, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxSmokeBody))
	if err != nil {
		return fmt.Errorf("%s check of %s: read the answer: %w", c.Name, e.Container, err)
	}
	if resp.StatusCode != c.Status {
		return fmt.Errorf("%s check of %s: %s %s answered %d instead of %d", c.Name, e.Container, c.Method, c.Path, resp.StatusCode, c.Status)
	}
	if !strings.Contains(string(body), c.Contains) {
		return fmt.Errorf("%s check of %s: the answer to %s %s does not contain %q", c.Name, e.Container, c.Method, c.Path, c.Contains)
	}
	return nil
}
