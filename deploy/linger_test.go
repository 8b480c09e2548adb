package deploy_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// stayers has requests and streams stay on blue, which is left for green.
func (h *house) stayers(requests *atomic.Int64, streams int) {
	h.blueLive()
	equal(h.t, "state", string(h.deploy("", commitB, true).State), "succeeded")
	h.router.mu.Lock()
	defer h.router.mu.Unlock()
	h.router.staying = func(s deploy.Slice) (int, int, error) {
		if s != deploy.Blue {
			return 0, 0, errors.New("asked for another slice")
		}
		return int(requests.Load()), streams, nil
	}
}

// startOf returns what the deployment's start says of itself.
func startOf(d deploy.Deployment) string {
	for _, p := range d.Phases {
		if p.Phase == deploy.PhaseStart {
			return p.Detail
		}
	}
	return ""
}

// logged returns all that the deployment has logged.
func (h *house) logged(id int64) string {
	h.t.Helper()
	events, err := h.journal.Events(h.t.Context(), id, 0)
	testkit.Must(h.t, err)
	var lines []string
	for _, e := range events {
		lines = append(lines, e.Message)
	}
	return strings.Join(lines, "\n")
}

func TestRun_RequestsStayedOnTheSlice_ItsNextReleaseWaitsForThem(t *testing.T) {
	h := newHouse(t)
	var requests atomic.Int64
	requests.Store(2)
	h.stayers(&requests, 0)
	h.runtime.start = func(deploy.Slice) error {
		if n := requests.Load(); n > 0 {
			t.Errorf("%d requests are on the slice whose containers are replaced", n)
		}
		return nil
	}
	time.AfterFunc(200*time.Millisecond, func() { requests.Store(0) })
	d := h.deploy("", commitC, false)
	equal(t, "state", string(d.State), "succeeded")
	equal(t, "start", startOf(d), "blue")
}

func TestRun_RequestsStayLongerThanTheLingerTimeout_AreCutCountedAndTold(t *testing.T) {
	h := newHouse(t)
	var requests atomic.Int64
	requests.Store(2)
	h.stayers(&requests, 3)
	d := h.deploy("", commitC, false)
	equal(t, "state", string(d.State), "succeeded")
	equal(t, "start", startOf(d), "blue; 2 requests and 3 streams that had stayed there cut")
	if said := h.logged(d.ID); !strings.Contains(said, "wait for 2 requests that stayed on blue") || !strings.Contains(said, "warning: 2 requests and 3 streams") {
		t.Errorf("it says:\n%s", said)
	}
}

func TestRun_RouterCannotTellWhatStayed_GoesOnAndSaysSo(t *testing.T) {
	h := newHouse(t).blueLive()
	h.deploy("", commitB, true)
	h.router.mu.Lock()
	h.router.staying = func(deploy.Slice) (int, int, error) { return 0, 0, errors.New("the edge does not answer") }
	h.router.mu.Unlock()
	d := h.deploy("", commitC, false)
	equal(t, "state", string(d.State), "succeeded")
	if said := h.logged(d.ID); !strings.Contains(said, "it is not known whether requests stayed on blue") {
		t.Errorf("it says:\n%s", said)
	}
}
