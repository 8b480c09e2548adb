package deploy_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// mirroring switches the mirror and fails the test when that is refused.
func (h *house) mirroring(on bool) deploy.Mirroring {
	h.t.Helper()
	m, err := h.SetMirroring(context.Background(), "shop", deploy.MirrorRequest{On: on})
	if err != nil {
		h.t.Fatal(err)
	}
	return m
}

// greenCannotSettle lets data be carried to green, and not back.
func (h *house) greenCannotSettle() {
	h.data.settle = func(from deploy.Slice) error {
		if from == deploy.Green {
			return deploy.ErrDataDiffers
		}
		return nil
	}
}

func (h *house) status() deploy.Status {
	h.t.Helper()
	s, err := h.Status(context.Background(), "shop")
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

func TestTheStandbyFollowsTheLiveSliceOverCutoversAndRestarts(t *testing.T) {
	h := newHouse(t).blueLive()
	s := h.status()
	if !s.Mirroring || s.Mirror.From != deploy.Blue || s.Mirror.To != deploy.Green {
		t.Errorf("after the first release: %v %+v", s.Mirroring, s.Mirror)
	}
	h.deploy("", commitB, true)
	if s := h.status(); s.Mirror.From != deploy.Green || s.Mirror.Fenced != deploy.Blue {
		t.Errorf("after the cutover: %+v", s.Mirror)
	}
	h.stop()
	h.data.calls = nil
	h.start()
	testkit.Eventually(t, "the mirror is there again", func() bool { return h.data.called() == "open:green mirror:green" })
}

func TestWhatIsSwitchedWinsOverTheConfigurationAndHoldsOverARestart(t *testing.T) {
	h := newHouse(t).blueLive()
	if m := h.mirroring(false); m.On || m.Mirror.State != deploy.MirrorOff {
		t.Errorf("switched off: %+v", m)
	}
	h.stop()
	h.data.calls = nil
	h.start()
	testkit.Eventually(t, "the setting is read", func() bool { return h.data.called() == "open:blue mirror: lookout:green" })
	equal(t, "cutover", string(h.deploy("", commitB, true).State), "succeeded")
	if s := h.status(); s.Mirroring || s.Mirror.State != deploy.MirrorOff {
		t.Errorf("after the cutover: %v %+v", s.Mirroring, s.Mirror)
	}
	if m := h.mirroring(true); !m.On || m.Mirror.From != deploy.Green {
		t.Errorf("switched on: %+v", m)
	}
}

func TestWhatIsSwitchedIsKnownWhileTheEngineKeepsUsWaiting(t *testing.T) {
	h := newHouse(t).blueLive()
	h.stop()
	if err := h.journal.SetSetting(t.Context(), "shop", "mirroring", "off"); err != nil { // before a restart
		t.Fatal(err)
	}
	asked, answer := make(chan bool), make(chan bool)
	set(h.runtime, &h.runtime.observe, sync.OnceValue(func() error { asked <- true; <-answer; return nil }))
	h.start()
	<-asked
	if m, err := h.Mirroring(context.Background(), "shop"); err != nil || m.On {
		t.Errorf("got %+v %v", m, err)
	}
	close(answer)
}

func TestASwitchDuringACutoverWaitsForTheMirrorNotForTheAnswer(t *testing.T) {
	h := newHouse(t).blueLive()
	h.data.settle = func(deploy.Slice) error {
		if m := h.mirroring(false); m.On || m.Mirror.State != deploy.MirrorInStep {
			t.Errorf("the cutover's mirror was touched: %+v", m)
		}
		return nil
	}
	d := h.deploy("", commitB, true)
	equal(t, "state", string(d.State), "succeeded")
	equal(t, "data", h.data.called(), "open:green begin:blue>green copy settle turn close mirror: lookout:blue")
}

func TestASwitchDuringABuildIsDoneAtOnce(t *testing.T) {
	h := newHouse(t).blueLive()
	h.runtime.build = func(context.Context) error {
		if m := h.mirroring(false); m.Mirror.State != deploy.MirrorOff {
			t.Errorf("got %+v", m)
		}
		return errors.New("enough")
	}
	h.deploy("", commitB, true)
	equal(t, "data", h.data.called(), "mirror: lookout:green")
}

func TestASwitchThatCannotBeWrittenDownChangesNothing(t *testing.T) {
	h := newHouse(t).blueLive()
	h.journal.setFull(true)
	if _, err := h.SetMirroring(context.Background(), "shop", deploy.MirrorRequest{}); !errors.Is(err, errJournalFull) {
		t.Errorf("got %v", err)
	}
	equal(t, "data", h.data.called(), "")
	if m, err := h.Mirroring(context.Background(), "shop"); err != nil || !m.On {
		t.Errorf("got %+v %v", m, err)
	}
}

func TestAnAppWithoutDataHasNoMirror(t *testing.T) {
	h := newHouse(t, func(_ *deploy.App, h *house) { h.data = nil })
	if _, err := h.SetMirroring(context.Background(), "shop", deploy.MirrorRequest{On: true}); !errors.As(err, new(*deploy.ConflictError)) {
		t.Errorf("switch: %v", err)
	}
	if _, err := h.Mirroring(context.Background(), "shop"); !errors.As(err, new(*deploy.ConflictError)) {
		t.Errorf("ask: %v", err)
	}
	h.deploy("", commitA, true)
	d := h.deploy("", commitB, true)
	equal(t, "phases", phases(d), "fetch build start probe hold route release verify watch keep")
	if s := h.status(); s.Mirroring || s.Mirror != nil {
		t.Errorf("status: %v %+v", s.Mirroring, s.Mirror)
	}
}

func TestAMirrorDoesNotGoOverWhatCouldNotBeCarriedBack(t *testing.T) {
	h := newHouse(t).blueLive()
	h.greenFails()
	h.greenCannotSettle()
	d := h.deploy("", commitB, true)
	equal(t, "state", string(d.State), "rolled_back")
	// Blue was fenced by the turn, so it is opened, and nothing is mirrored from then on.
	equal(t, "data", h.data.called(),
		"open:green begin:blue>green copy settle turn close mirror:green begin:green>blue copy settle mirror: close open:blue mirror: lookout:green")
	contains(t, "reason", d.Error.Reason, "what was written since the cutover is on green only")
	contains(t, "next step", d.Error.Next, "mirroring is off now", "verdigris mirror on")
	if s := h.status(); s.Mirroring {
		t.Error("mirroring is still on")
	}
}

func TestWithoutAMirrorTheNextCutoverIsWarnedOf(t *testing.T) {
	h := newHouse(t, func(a *deploy.App, _ *house) { a.Mirroring = false }).blueLive()
	h.greenFails()
	h.data.begin = func(from deploy.Slice) error {
		if from == deploy.Green {
			return errors.New("redis of green is gone")
		}
		return nil
	}
	d := h.deploy("", commitB, true)
	equal(t, "state", string(d.State), "rolled_back")
	contains(t, "next step", d.Error.Next, "on green only", "before the next cutover")
}

func TestARedisThatHangsOnTheWayBackDoesNotUseUpTheHold(t *testing.T) {
	const hold = 400 * time.Millisecond
	h := newHouse(t, func(a *deploy.App, _ *house) { a.HoldTimeout = hold }).blueLive()
	h.greenFails()
	h.greenCannotSettle()
	h.data.open = func(ctx context.Context, s deploy.Slice) error {
		if s == deploy.Blue {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
	var held time.Time
	h.router.hold = func() error { held = time.Now(); return nil }
	h.router.onRoute = func() error {
		if time.Since(held) > hold {
			return deploy.ErrRouteRefused // as a gate that has called the hold off
		}
		return nil
	}
	d := h.deploy("", commitB, true)
	equal(t, "state", string(d.State), "rolled_back")
	equal(t, "live", h.live(), "blue a")
}

func TestALiveSliceThatCouldNotBeOpenedIsTriedAgain(t *testing.T) {
	h := newHouse(t).blueLive()
	h.stop()
	var asked atomic.Int64
	h.data.open = func(context.Context, deploy.Slice) error {
		if asked.Add(1) == 1 {
			return errors.New("redis of blue does not answer")
		}
		return nil
	}
	h.data.calls = nil
	h.start()
	testkit.Eventually(t, "blue is opened", func() bool { return h.data.called() == "open:blue mirror:blue open:blue" })
}

func TestAMirrorDoesNotGoOverWhatAnUnconfirmedRouteLetBy(t *testing.T) {
	h := newHouse(t).blueLive()
	h.router.onRoute = func() error { return errors.New("the new generation never answered") }
	h.data.begin = func(from deploy.Slice) error {
		if from == deploy.Green {
			return errors.New("redis of green is gone")
		}
		return nil
	}
	d := h.deploy("", commitB, true)
	equal(t, "state", string(d.State), "rolled_back")
	equal(t, "data", h.data.called(), "open:green begin:blue>green copy settle begin:green>blue mirror: close mirror: lookout:green")
	contains(t, "reason", d.Error.Reason, "redis of green is gone")
}

func TestSetMirroring_FromASlice_BeginsAnewFromItsDataUnlessSomethingIsUnderWay(t *testing.T) {
	h := newHouse(t).blueLive()
	before := h.data.called()
	set := func(req deploy.MirrorRequest) error {
		_, err := h.SetMirroring(context.Background(), "shop", req)
		return err
	}
	testkit.Must(t, set(deploy.MirrorRequest{On: true, From: deploy.Green}))
	equal(t, "data", strings.TrimPrefix(h.data.called(), before+" "), "adopt:green mirror:blue")
	for _, req := range []deploy.MirrorRequest{{On: true, From: deploy.Staging}, {From: deploy.Green}} {
		if err := set(req); !errors.As(err, new(*deploy.InputError)) {
			t.Errorf("%+v: %v", req, err)
		}
	}
	started, release := h.blocked()
	d := h.pushed("1", commitB)
	<-started
	if err := set(deploy.MirrorRequest{On: true, From: deploy.Blue}); !errors.As(err, new(*deploy.ConflictError)) {
		t.Errorf("beside a deployment: %v", err)
	}
	release()
	equal(t, "state", string(h.ended(d, nil).State), "succeeded")
}
