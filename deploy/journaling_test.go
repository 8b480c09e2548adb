package deploy_test

import (
	"testing"

	"verdigris/deploy"
)

func TestWhileRequestsWaitOnlyTheBeginningsOfSettleAndRouteAreWritten(t *testing.T) {
	h := newHouse(t).blueLive()
	var atHold, atRoute, atRelease int
	h.router.hold = func() error { atHold = h.journal.written(); return nil }
	h.router.onRoute = func() error {
		atRoute = h.journal.written()
		stored, err := h.journal.Get(t.Context(), 2)
		if last := stored.Phases[len(stored.Phases)-1]; err != nil || last.Phase != deploy.PhaseRoute || last.State != deploy.PhaseRunning {
			t.Errorf("the point of no return is not in the journal before it is passed: %+v %v", last, err)
		}
		return nil
	}
	h.router.release = func() error { atRelease = h.journal.written(); return nil }
	d := h.deploy("", commitB, true)
	if atRoute-atHold != 2 || atRelease != atRoute {
		t.Errorf("%d writes from hold to route and %d from there to release, want 2 and 0", atRoute-atHold, atRelease-atRoute)
	}
	equal(t, "phases", phases(d), "fetch build start probe copy hold settle route release turn verify watch keep")
}

func TestWhatHappensWhileRequestsWaitIsToldAfterwardsInItsOrder(t *testing.T) {
	h := newHouse(t).blueLive()
	h.greenFails()
	d := h.deploy("", commitB, true)
	equal(t, "state", string(d.State), "rolled_back")
	events, err := h.journal.Events(t.Context(), d.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	ended := map[deploy.Phase]bool{}
	for i, e := range events {
		if e.Seq != int64(i+1) {
			t.Fatalf("event %d has the number %d", i+1, e.Seq)
		}
		if e.Record != nil && e.Record.State == deploy.PhaseDone {
			ended[e.Phase] = true
		}
	}
	for _, p := range []deploy.Phase{deploy.PhaseHold, deploy.PhaseSettle, deploy.PhaseRoute, deploy.PhaseRelease, deploy.PhaseReturn} {
		if !ended[p] {
			t.Errorf("no event tells of the end of %s", p)
		}
	}
}
