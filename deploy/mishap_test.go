package deploy_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// greenFails makes a release on green answer once and then fail, as one does that starts well and dies.
func (h *house) greenFails() {
	var asked atomic.Int64
	h.router.get = func(s deploy.Slice) (int, error) {
		if s == deploy.Green && asked.Add(1) > 1 {
			return 502, nil
		}
		return 200, nil
	}
}

func contains(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s does not say %q: %s", what, part, text)
		}
	}
}

func TestAJournalThatFailsAfterTheRouteLeavesNobodyWaiting(t *testing.T) {
	h := newHouse(t).blueLive()
	h.router.onRoute = func() error { h.journal.setFull(true); return nil }
	h.router.get = func(deploy.Slice) (int, error) { h.journal.setFull(false); return 200, nil }
	d := h.deploy("", commitB, true)
	equal(t, "state", string(d.State), "succeeded")
	equal(t, "router", h.router.called(), "hold drain route:green release")
	equal(t, "live", h.live(), "green b")
}

func TestAJournalThatFailsDuringTheHoldCallsTheCutoverOff(t *testing.T) {
	h := newHouse(t).blueLive()
	h.data.settle = func(deploy.Slice) error { h.journal.setFull(true); return nil }
	d, err := h.Deploy(context.Background(), "shop", deploy.DeployRequest{Commit: commitB, Promote: true})
	testkit.Eventually(t, "the cutover is called off", func() bool { return h.router.called() == "hold drain abort" })
	h.journal.setFull(false)
	testkit.Eventually(t, "the end is in the journal", func() bool {
		d, err = h.Deployment(context.Background(), d.ID)
		return err == nil && d.State == deploy.StateAborted
	})
	equal(t, "data", h.data.called(), "open:green begin:blue>green copy settle close mirror:blue")
	equal(t, "live", h.live(), "blue a")
}

func TestAHoldThatEndsBadlyIsToldAndDoesNotSpoilTheDeployment(t *testing.T) {
	h := newHouse(t).blueLive()
	h.router.release = func() error { return errors.New("close gate: timeout") }
	d := h.deploy("", commitB, true)
	equal(t, "state", string(d.State), "succeeded")
	equal(t, "phases", phases(d), "fetch build start probe copy hold settle route release:failed turn verify watch keep")
	equal(t, "live", h.live(), "green b")
}

// secondTime fails its second call: a cutover is the first, the way back is the second.
func secondTime(reason string) func() error {
	var calls atomic.Int64
	return func() error {
		if calls.Add(1) == 2 {
			return errors.New(reason)
		}
		return nil
	}
}

func TestAWayBackThatFailsIsExplained(t *testing.T) {
	h := newHouse(t).blueLive()
	h.greenFails()
	h.router.hold = secondTime("the router is gone")
	d := h.deploy("", commitB, true)
	equal(t, "state", string(d.State), "failed")
	equal(t, "live", h.live(), "green b")
	equal(t, "phase", string(d.Error.Phase), "watch")
	contains(t, "reason", d.Error.Reason, "answered 502", "the router is gone")
	contains(t, "next step", d.Error.Next, "could not be brought back", "verdigris doctor", "verdigris logs green")
}

func TestAWayBackThatIsNotConfirmedIsNoRollback(t *testing.T) {
	h := newHouse(t).blueLive()
	h.greenFails()
	h.router.onRoute = secondTime("the new generation never answered")
	d := h.deploy("", commitB, true)
	equal(t, "state", string(d.State), "failed")
	equal(t, "live", h.live(), "green b")
	equal(t, "router", h.router.called(), "hold drain route:green release hold drain route:blue abort")
}

func TestDataThatIsKnownToBeIncompleteIsNotSettledBack(t *testing.T) {
	h := newHouse(t).blueLive()
	h.greenFails()
	h.router.onRoute = secondTime("the new generation never answered")
	h.greenCannotSettle()
	h.deploy("", commitB, true)
	equal(t, "data", h.data.called(), "open:green begin:blue>green copy settle turn close mirror:green begin:green>blue copy settle mirror: close open:blue mirror: lookout:blue")
}

func TestACutoverThatCannotBeCalledOffSaysSo(t *testing.T) {
	h := newHouse(t).blueLive()
	h.data.settle = func(deploy.Slice) error { return deploy.ErrDataDiffers }
	h.router.abort = func() error { return errors.New("nginx is not running") }
	d := h.deploy("", commitB, true)
	equal(t, "state", string(d.State), "aborted")
	contains(t, "reason", d.Error.Reason, deploy.ErrDataDiffers.Error(), "call the cutover off: nginx is not running")
}

func TestTheFirstReleaseStaysLiveWhenItFailsAndThatIsSaid(t *testing.T) {
	h := newHouse(t)
	var asked atomic.Int64
	h.router.get = func(deploy.Slice) (int, error) {
		if asked.Add(1) > 1 {
			return 500, nil
		}
		return 200, nil
	}
	d := h.deploy("", commitA, true)
	equal(t, "state", string(d.State), "failed")
	equal(t, "live", h.live(), "blue a")
	contains(t, "next step", d.Error.Next, "first release", "push again")
	h.router.get = nil
	equal(t, "the next push", string(h.ended(h.pushed("1", commitB), nil).State), "succeeded")
	equal(t, "live", h.live(), "green b")
}

// failedOnBlue is a house with A replaced by B, whose way back C then takes: C does not get ready on blue.
func (h *house) failedOnBlue() deploy.Deployment {
	h.t.Helper()
	h.deploy("", commitB, true)
	h.runtime.has(deploy.ContainerStatus{Name: "shop-blue-web-1", State: "exited", ExitCode: 1})
	h.runtime.forget()
	return h.deploy("", commitC, true)
}

func TestAReleaseThatDoesNotGetReadyGivesTheSliceBack(t *testing.T) {
	h := newHouse(t).blueLive()
	d := h.failedOnBlue()
	equal(t, "state", string(d.State), "aborted")
	equal(t, "runtime", h.runtime.called(), "build:blue start:blue revert:blue")
	d = h.ended(h.Rollback(context.Background(), "shop", deploy.Trigger{}))
	equal(t, "rollback", string(d.State), "succeeded")
	equal(t, "live", h.live(), "blue a")
}

func TestAReleaseThatFailsTellsWhatCouldNotBeBroughtBack(t *testing.T) {
	h := newHouse(t).blueLive()
	h.runtime.revert = func(s deploy.Slice) error {
		if s == deploy.Blue {
			return errors.New("port 80 is taken")
		}
		return nil
	}
	d := h.failedOnBlue()
	equal(t, "state", string(d.State), "aborted")
	contains(t, "reason", d.Error.Reason, "aaaaaaaaaaaa, which ran on blue before, could not be brought back: port 80 is taken")
	contains(t, "next step", d.Error.Next, "deploy blue --commit "+string(commitA))
	s, err := h.Status(context.Background(), "shop")
	if err != nil || s.Previous != "" {
		t.Errorf("a rollback is promised to %q: %v", s.Previous, err)
	}
}

func TestASliceWithAPastCanTakeTheTrafficBack(t *testing.T) {
	h := newHouse(t).blueLive()
	h.deploy("", commitB, true)
	h.runtime.has(
		deploy.ContainerStatus{Name: "shop-blue-worker-1", State: "exited", ExitCode: 137},
		deploy.ContainerStatus{Name: "shop-blue-web-1", State: "running", Restarts: 9},
	)
	d := h.ended(h.Rollback(context.Background(), "shop", deploy.Trigger{}))
	equal(t, "state", string(d.State), "succeeded")
	equal(t, "live", h.live(), "blue a")
}

func TestBeingStoppedDuringVerifySaysNothingAboutTheRelease(t *testing.T) {
	h := newHouse(t).blueLive()
	var asked atomic.Int64
	h.router.get = func(deploy.Slice) (int, error) {
		if asked.Add(1) == 1 {
			h.cancel()
			return 0, context.Canceled
		}
		return 200, nil
	}
	d := h.deploy("", commitB, true)
	equal(t, "state", string(d.State), "succeeded")
	equal(t, "live", h.live(), "green b")
}

func TestTheWatchDoesNotEndWhileTheReleaseFails(t *testing.T) {
	h := newHouse(t, func(a *deploy.App, _ *house) {
		a.Watch = deploy.Watch{Duration: 8 * time.Millisecond, Interval: 5 * time.Millisecond, Failures: 4}
	}).blueLive()
	h.greenFails()
	equal(t, "state", string(h.deploy("", commitB, true).State), "rolled_back")
}

func TestAStopOfAnUnknownSliceIsRefused(t *testing.T) {
	h := newHouse(t, func(a *deploy.App, _ *house) { a.Slices = a.Slices[:2] }).blueLive()
	if err := h.Stop(context.Background(), "shop", deploy.Staging); !errors.As(err, new(*deploy.InputError)) {
		t.Errorf("got %v", err)
	}
}

func TestAStatusHasListsAndNoNulls(t *testing.T) {
	h := newHouse(t)
	s, err := h.Status(context.Background(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(s)
	if err != nil || strings.Contains(string(text), "null") {
		t.Errorf("%s %v", text, err)
	}
}
