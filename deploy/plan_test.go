package deploy_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// ready has A live on blue and B ready on green.
func (h *house) ready() *house {
	h.t.Helper()
	h.blueLive().deploy(deploy.Green, commitB, false)
	testkit.Eventually(h.t, "nothing is under way", func() bool { return h.status().Running == nil })
	h.router.calls, h.runtime.calls, h.data.calls = nil, nil, nil
	return h
}

func (h *house) plan(to deploy.Slice) deploy.SwitchPlan {
	h.t.Helper()
	p, err := h.PlanSwitch(context.Background(), "shop", deploy.SwitchRequest{To: to})
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

func TestAPlanSaysWhatASwitchWouldDoAndChangesNothing(t *testing.T) {
	h := newHouse(t, withWorkers).ready()
	writes := h.journal.written()
	got := h.plan("")
	want := deploy.SwitchPlan{
		App: "shop", From: deploy.Blue, To: deploy.Green, Commit: commitB,
		Mirror: &deploy.MirrorStatus{State: deploy.MirrorInStep, From: deploy.Blue, To: deploy.Green},
		Copy:   &deploy.CopyEstimate{Keys: 7, Bytes: 1500}, InFlight: 4,
		EstimatedHoldMS: 100, EstimatedFrom: "no cutover yet: assuming 100 ms for the router, and 500.0 MB and 200000 keys a second for comparing the data",
		StopWorkers: []string{"blue-jobs-1"}, StartWorkers: []string{"green-jobs-1"}, Obstacles: []string{},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	equal(t, "router", h.router.called(), "")
	equal(t, "runtime", h.runtime.called(), "")
	equal(t, "data", h.data.called(), "")
	if h.journal.written() != writes || len(h.status().Queued) != 0 {
		t.Error("something was written or queued")
	}
}

func TestAPlanIsRefusedForWhatTheSwitchIsRefusedFor(t *testing.T) {
	h := newHouse(t)
	for _, c := range []struct {
		name string
		to   deploy.Slice
		live bool
	}{
		{"nothing is live", "", false},
		{"staging", deploy.Staging, true},
		{"live already", deploy.Blue, true},
		{"not running", deploy.Green, true},
	} {
		if c.live && !strings.HasPrefix(h.live(), "blue") {
			h.blueLive()
		}
		_, want := h.Switch(context.Background(), "shop", deploy.SwitchRequest{To: c.to})
		_, got := h.PlanSwitch(context.Background(), "shop", deploy.SwitchRequest{To: c.to})
		if got == nil || want == nil || got.Error() != want.Error() || reflect.TypeOf(got) != reflect.TypeOf(want) {
			t.Errorf("%s: got %v, want %v", c.name, got, want)
		}
	}
}

func TestAPlanNamesEveryObstacle(t *testing.T) {
	h := newHouse(t)
	h.runtime.handler = func(s deploy.Slice) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if s == deploy.Green && h.router.inFlight != nil { // once it is ready
				w.WriteHeader(http.StatusInternalServerError)
			}
		}
	}
	h.ready()
	h.router.inFlight = func() (int, error) { return 0, errors.New("connection refused") }
	h.data.estimate = func() (deploy.CopyEstimate, error) {
		return deploy.CopyEstimate{}, errors.New("redis of green is gone")
	}
	p := h.plan(deploy.Green)
	if len(p.Obstacles) != 3 || p.InFlight != -1 || p.Copy != nil {
		t.Fatalf("got %+v", p)
	}
	contains(t, "obstacles", strings.Join(p.Obstacles, "\n"), "green is not healthy: health check of green-web-1",
		"answered 500", "the router does not answer: connection refused", "the data cannot be copied: redis of green is gone")
}

func TestAPlanEstimatesTheHoldFromTheNewestCutovers(t *testing.T) {
	type cutover struct {
		took, held, longest int64
	}
	for _, c := range []struct {
		cutovers []cutover // the newest is the last
		ms       int64
		from     string
	}{
		{[]cutover{{40, 0, 0}}, 40, "at most, from hold to release in the newest cutover, in which no request waited"},
		{[]cutover{{900, 0, 0}, {10, 0, 0}, {70, 0, 0}, {20, 0, 0}, {60, 0, 0}, {30, 0, 0}}, 30, "at most, from hold to release in the median of the newest 5 cutovers, in which no request waited"},
		{[]cutover{{400, 3, 21}, {500, 0, 0}}, 21, "the longest wait in the newest cutover in which requests waited"},
		{[]cutover{{400, 3, 21}, {400, 1, 0}, {500, 9, 35}}, 21, "the longest wait in the median of the newest 3 cutovers in which requests waited"},
		{[]cutover{{400, 1, 0}}, 1, "the longest wait in the newest cutover in which requests waited"},
	} {
		h := newHouse(t).ready()
		h.stop()
		for i, past := range c.cutovers {
			begin := time.Now().Add(time.Duration(i) * time.Second)
			release := begin.Add(time.Millisecond)
			_, err := h.journal.Create(context.Background(), deploy.Deployment{App: "shop", State: deploy.StateSucceeded, Held: int(past.held), LongestHold: past.longest, Phases: []deploy.PhaseRecord{
				{Phase: deploy.PhaseHold, StartedAt: begin, EndedAt: release},
				{Phase: deploy.PhaseRelease, StartedAt: release, EndedAt: begin.Add(time.Duration(past.took) * time.Millisecond)},
			}})
			if err != nil {
				t.Fatal(err)
			}
		}
		if p := h.plan(""); p.EstimatedHoldMS != c.ms || p.EstimatedFrom != c.from {
			t.Errorf("%v: %d ms, %s; want %d ms, %s", c.cutovers, p.EstimatedHoldMS, p.EstimatedFrom, c.ms, c.from)
		}
	}
}

func TestAPlanSaysHowManyOperationsComeBeforeIt(t *testing.T) {
	h := newHouse(t).ready()
	started, release := h.blocked()
	defer release()
	h.pushed("1", commitC)
	<-started
	h.pushed("2", commitB)
	if p := h.plan(""); p.Ahead != 2 {
		t.Errorf("%d come before it", p.Ahead)
	}
}
