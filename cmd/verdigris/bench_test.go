package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/test/load"
)

// benched is a workplace whose server takes switches and rollbacks, and a site to load.
type benched struct {
	*workplace
	url    string
	orders atomic.Int64
	state  deploy.State // how each ends
	site   http.HandlerFunc

	ordered  func(n int64)         // is told of each order
	followed func(r *http.Request) // is told when one is followed
}

func newBenched(t *testing.T) *benched {
	t.Helper()
	b := &benched{workplace: newWorkplace(t), state: deploy.StateSucceeded, ordered: func(int64) {}, followed: func(*http.Request) {}}
	b.site = func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Verdigris-Slice", "blue") }
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		b.site(w, r)
	}))
	t.Cleanup(site.Close)
	b.url = site.URL
	b.mux.HandleFunc("POST /apps/shop/switch", b.order)
	b.mux.HandleFunc("POST /apps/shop/rollback", b.order)
	b.mux.HandleFunc("GET /deployments/{id}/events", func(w http.ResponseWriter, r *http.Request) {
		b.followed(r)
		writeEvents(w)
	})
	b.mux.HandleFunc("GET /deployments/{id}", func(w http.ResponseWriter, r *http.Request) {
		var id int64
		fmt.Sscan(r.PathValue("id"), &id)
		reply(w, http.StatusOK, b.deployment(id, b.state))
	})
	return b
}

func (b *benched) live(t *testing.T, status deploy.Status) {
	t.Helper()
	b.mux.HandleFunc("GET /apps/shop/status", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, status) })
}

// bothRun is the status of an app whose blue slice is live and whose green one could be.
func bothRun() deploy.Status {
	endpoint := []deploy.Endpoint{{Container: "web", Address: "127.0.0.1:1"}}
	return deploy.Status{Live: deploy.Blue, Slices: []deploy.SliceStatus{{Slice: deploy.Blue, Endpoints: endpoint}, {Slice: deploy.Green, Endpoints: endpoint}}}
}

func (b *benched) order(w http.ResponseWriter, _ *http.Request) {
	n := b.orders.Add(1)
	b.ordered(n)
	reply(w, http.StatusAccepted, b.deployment(n, deploy.StateQueued))
}

// deployment is the n-th: an odd one is a switch to green, an even one the way back. Two requests wait in each.
func (b *benched) deployment(n int64, state deploy.State) deploy.Deployment {
	now := time.Now()
	d := deploy.Deployment{ID: n, App: "shop", Kind: deploy.KindSwitch, Slice: deploy.Green, Promote: true, State: state, EndedAt: now,
		Held: 2, LongestHold: 30 + n, Stayed: 1}
	if n%2 == 0 {
		d.Kind, d.Slice = deploy.KindRollback, deploy.Blue
	}
	if state == deploy.StateSucceeded {
		d.Phases = []deploy.PhaseRecord{
			{Phase: deploy.PhaseHold, StartedAt: now.Add(-40 * time.Millisecond), EndedAt: now},
			{Phase: deploy.PhaseRelease, StartedAt: now, EndedAt: now},
		}
	}
	return d
}

func (b *benched) bench(t *testing.T, args ...string) result {
	t.Helper()
	return b.benchContext(t.Context(), args...)
}

func (b *benched) benchContext(ctx context.Context, args ...string) result {
	return b.runContext(ctx, append([]string{"bench", "cutover", "--url", b.url, "--pause", "20ms", "--every", "1ms", "--clients", "4"}, args...)...)
}

func TestBenchCutoverSwitchesAndRollsBackUnderLoadAndTellsWhatWasNoticed(t *testing.T) {
	b := newBenched(t)
	b.live(t, bothRun())
	b.bench(t, "--rounds", "2", "--post", "/upload", "--uploads", "1").want(t, exitOK,
		"loading "+b.url+": 4 clients, 1 uploaders, 0 websockets",
		"round 1: switch to green took 40 ms, 2 requests waited, at most 31 ms, 1 stayed; so far ",
		"round 2: rollback to blue took 40 ms, ",
		"4 cutovers; 8 requests waited at the gate, at most 34 ms; 4 stayed on the slice that was left",
		"GET", "POST", "uploads", "without a cutover", "during cutovers", " requests, 0 failed")
	if n := b.orders.Load(); n != 4 {
		t.Errorf("%d cutovers were ordered, want 4", n)
	}
}

func TestBenchCutoverWritesJSON(t *testing.T) {
	b := newBenched(t)
	b.live(t, bothRun())
	r := b.bench(t, "--time", "1ms", "--json")
	r.want(t, exitOK)
	var got benchResult
	if err := json.Unmarshal([]byte(r.out), &got); err != nil {
		t.Fatalf("%v in:\n%s", err, r.out)
	}
	if len(got.Cutovers) != 2 || got.Held != 4 || got.LongestMS != 32 || got.Stayed != 2 || got.Cutovers[1].To != deploy.Blue {
		t.Errorf("cutovers: %+v", got)
	}
	if get := got.Kinds["GET"]; got.Requests == 0 || got.Failed != 0 || get.Sent != get.Slices["blue"] || got.Calm.Count+got.During.Count != get.Sent || got.During.Count == 0 {
		t.Errorf("requests: %+v", got)
	}
}

func TestBenchCutoverFailsWhenARequestFailed(t *testing.T) {
	b := newBenched(t)
	b.live(t, bothRun())
	var asked atomic.Int64
	b.site = func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 3 {
			w.WriteHeader(http.StatusBadGateway)
		}
	}
	b.bench(t, "--rounds", "1").want(t, exitFailed, " requests, 1 failed", "1 x GET: status 502, first at ")
}

func TestBenchCutoverEndsWithACutoverThatFails(t *testing.T) {
	b := newBenched(t)
	b.live(t, bothRun())
	b.state = deploy.StateAborted
	b.bench(t, "--rounds", "3").want(t, exitAborted, "round 1: switch to green: aborted", "deployment 1 aborted", "1 cutovers")
	if n := b.orders.Load(); n != 1 {
		t.Errorf("%d cutovers were ordered, want 1", n)
	}
}

func TestBenchCutoverEndsCleanlyOnCtrlC(t *testing.T) {
	b := newBenched(t)
	b.live(t, bothRun())
	ctx, interrupt := context.WithCancel(t.Context())
	b.ordered = func(n int64) {
		if n == 3 {
			interrupt()
		}
	}
	b.benchContext(ctx, "--rounds", "100").want(t, exitInterrupt, "2 cutovers; 4 requests waited", "the round was not ended")

	ctx, interrupt = context.WithCancel(t.Context())
	b.followed = func(r *http.Request) {
		interrupt()
		<-r.Context().Done()
	}
	b.benchContext(ctx).want(t, exitInterrupt, "0 cutovers", "deployment 4 goes on: verdigris history 4", "verdigris rollback")
}

func TestBenchCutoverOrdersNothingThatCannotWork(t *testing.T) {
	b := newBenched(t)
	status := bothRun()
	status.Slices[1].Endpoints = nil
	b.live(t, status)
	b.bench(t).want(t, exitConflict, "green is not running", "verdigris deploy green")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--clients", "0"}, "at least one is needed"},
		{[]string{"--uploads", "1"}, "--uploads needs --post"},
		{[]string{"--websockets", "1"}, "--websockets needs --websocket-path"},
		{[]string{"--rounds", "0"}, "--rounds is at least 1"},
		{[]string{"--pause", "-1s"}, "--pause"},
		{[]string{"--url", "shop.example.com"}, "--url takes a URL"},
		{[]string{"--url", "http://shop.example.com"}, "--yes-load-this-site"},
	} {
		b.bench(t, c.args...).want(t, exitInput, c.want)
	}

	b = newBenched(t)
	b.live(t, bothRun())
	b.site = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }
	b.bench(t, "--path", "/nowhere").want(t, exitFailed, "/nowhere: status 404", "nothing was ordered")
	if n := b.orders.Load(); n != 0 {
		t.Errorf("%d cutovers were ordered", n)
	}
}

func TestTheAppsOwnSiteMayBeLoaded(t *testing.T) {
	w := newFolder(t, "apps: {shop: {repository: {url: .}, web: {port: 80}, router: {edge: {url: 'https://shop.example.com'}}}}\n")
	c := &cli{configPath: w.dir + "/verdigris.yml"}
	for given, allowed := range map[string]bool{"": true, "https://shop.example.com": true, "http://localhost:8080": true, "http://[::1]:80": true, "http://example.com": false} {
		site, err := c.benchSite(&benchOptions{url: given})
		if (err == nil) != allowed {
			t.Errorf("%q: %v, %v", given, site, err)
		}
	}
	if _, err := c.benchSite(&benchOptions{url: "http://example.com", anySite: true}); err != nil {
		t.Error(err)
	}
}

func TestLatenciesAreCountedByWhetherTheyMetACutover(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	entry := func(from, to int) (e load.Entry) {
		e.Kind, e.Start, e.Took = "GET", at(from), at(to).Sub(at(from))
		return e
	}
	s := &split{}
	for _, e := range []load.Entry{entry(0, 9), entry(5, 15), entry(11, 12), entry(18, 30), entry(21, 40)} {
		s.watch(e)
	}
	s.cutover(window{at(10), at(20)})
	s.watch(entry(19, 200)) // was under way
	s.watch(entry(50, 60))
	s.cutover(window{at(70), at(80)})
	s.watch(entry(15, 300)) // an upload that met both
	s.watch(entry(90, 91))
	s.end()
	if s.during.Count() != 5 || s.calm.Count() != 4 || s.during.Longest() != 285*time.Millisecond {
		t.Errorf("%d during, %d without, longest %s", s.during.Count(), s.calm.Count(), s.during.Longest())
	}
}
