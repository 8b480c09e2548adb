package deploy_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"verdigris/deploy"
)

// house is a controller with one app on fakes, running.
type house struct {
	*deploy.Controller
	t       *testing.T
	source  *fakeSource
	runtime *fakeRuntime
	router  *fakeRouter
	data    *fakeData
	journal *memoryJournal
	cancel  context.CancelFunc // begins to stop
	stop    func()
}

func newHouse(t *testing.T, change ...func(*deploy.App, *house)) *house {
	t.Helper()
	h := &house{
		t: t, source: &fakeSource{}, router: &fakeRouter{}, data: &fakeData{}, journal: newJournal(),
		runtime: &fakeRuntime{t: t, running: map[deploy.Slice]*fakeContainer{}, aside: map[deploy.Slice]*fakeContainer{}},
	}
	app := deploy.App{
		Name: "shop", Slices: []deploy.Slice{deploy.Blue, deploy.Green, deploy.Staging}, Promote: deploy.PromoteAuto, Branch: "main",
		Health:      deploy.Health{Path: "/health", Status: 200, Timeout: time.Second, Interval: 5 * time.Millisecond, Successes: 2, Deadline: 2 * time.Second},
		HoldTimeout: 2 * time.Second, DrainTimeout: time.Second, LingerTimeout: time.Second,
		Watch:        deploy.Watch{Duration: 30 * time.Millisecond, Interval: 5 * time.Millisecond, Failures: 2},
		Timeouts:     deploy.Timeouts{Fetch: time.Minute, Build: time.Minute, Migrate: time.Minute, Start: time.Minute, Copy: time.Minute},
		KeepReleases: 3,
		Mirroring:    true,
	}
	for _, c := range change {
		c(&app, h)
	}
	h.Controller = deploy.NewController(h.journal)
	adapters := deploy.Adapters{Source: h.source, Runtime: h.runtime, Router: h.router}
	if h.data != nil {
		adapters.Data = h.data
	}
	if err := h.Add(app, adapters); err != nil {
		t.Fatal(err)
	}
	h.start()
	return h
}

func (h *house) start() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	h.cancel = cancel
	go func() { defer close(done); h.Run(ctx) }()
	h.stop = func() { cancel(); <-done }
	h.t.Cleanup(h.stop)
}

// ended waits for a deployment's last event and returns its record.
func (h *house) ended(d deploy.Deployment, err error) deploy.Deployment {
	h.t.Helper()
	if err != nil {
		h.t.Fatalf("request refused: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	events, err := h.Events(ctx, d.ID, 0)
	if err != nil {
		h.t.Fatal(err)
	}
	for range events {
	}
	final, err := h.Deployment(ctx, d.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	if !final.State.Ended() {
		h.t.Fatalf("deployment %d is still %s", d.ID, final.State)
	}
	return final
}

func (h *house) deploy(slice deploy.Slice, c deploy.Commit, promote bool) deploy.Deployment {
	h.t.Helper()
	return h.ended(h.Deploy(context.Background(), "shop", deploy.DeployRequest{Slice: slice, Commit: c, Promote: promote}))
}

// blueLive brings commit A live on blue.
func (h *house) blueLive() *house {
	h.t.Helper()
	if d := h.deploy(deploy.Blue, commitA, true); d.State != deploy.StateSucceeded {
		h.t.Fatalf("first deployment: %s: %+v", d.State, d.Error)
	}
	h.router.calls, h.runtime.calls, h.data.calls = nil, nil, nil
	return h
}

func (h *house) live() string {
	r, _ := h.router.Current(context.Background())
	return fmt.Sprintf("%s %.1s", r.Slice, r.Commit)
}

func phases(d deploy.Deployment) string {
	var names []string
	for _, p := range d.Phases {
		name := string(p.Phase)
		if p.State != deploy.PhaseDone {
			name += ":" + string(p.State)
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

func equal(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n  got  %s\n  want %s", what, got, want)
	}
}
