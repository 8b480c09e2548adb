package deploy_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// neverReady makes the next release on the slice one that does not get ready.
func (h *house) neverReady(slice deploy.Slice) {
	h.sees(slice, func(s *deploy.SliceStatus) {
		if s.Commit == commitC {
			s.Containers[0].State, s.Containers[0].ExitCode = "exited", 1
		}
	})
}

func TestRun_ReleaseDoesNotGetReady_GivesTheSameContainersBack(t *testing.T) {
	h := newHouse(t).blueLive()
	h.deploy("", commitB, true)
	web := h.runtime.running[deploy.Blue]
	h.neverReady(deploy.Blue)
	h.runtime.forget()
	d := h.deploy("", commitC, true)
	equal(t, "phases", phases(d), "fetch build start probe:failed")
	equal(t, "runtime", h.runtime.called(), "build:blue start:blue revert:blue")
	if h.runtime.running[deploy.Blue] != web {
		t.Error("another container came back than the one that ran")
	}
	equal(t, "rollback", string(h.ended(h.Rollback(context.Background(), "shop", deploy.Trigger{})).State), "succeeded")
	equal(t, "live", h.live(), "blue a")
}

func TestStop_WhileWhatADeploymentLeftIsPutInOrder_Waits(t *testing.T) {
	h := newHouse(t).blueLive()
	h.deploy("", commitB, true)
	h.neverReady(deploy.Blue)
	again, goOn, calls := make(chan struct{}), make(chan struct{}), 0
	h.runtime.revert = func(deploy.Slice) error { // one call after the other: each holds the operation's lock
		if calls++; calls == 1 {
			return errors.New("the Engine is away")
		}
		if calls == 2 {
			close(again)
			<-goOn
		}
		return nil
	}
	equal(t, "state", string(h.deploy("", commitC, true).State), "aborted")
	<-again
	stopped := make(chan error, 1)
	go func() { stopped <- h.Stop(context.Background(), "shop", deploy.Blue) }()
	select {
	case err := <-stopped:
		t.Errorf("a stop beside it ends at once: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(goOn)
	if err := <-stopped; err != nil {
		t.Errorf("stop: %v", err)
	}
}

func TestRun_SameReleaseDoesNotGetReady_GivesTheSameContainersBack(t *testing.T) {
	h := newHouse(t).blueLive()
	h.deploy("", commitC, true)
	h.deploy("", commitB, true)
	web := h.runtime.running[deploy.Green]
	h.neverReady(deploy.Green)
	equal(t, "state", string(h.deploy("", commitC, true).State), "aborted")
	if h.runtime.running[deploy.Green] != web {
		t.Error("another container came back than the one that ran")
	}
}

func TestRun_ReleaseGetsReady_RemovesWhatItReplacedBeforeTheCutover(t *testing.T) {
	h := newHouse(t).blueLive()
	h.deploy("", commitB, true)
	h.runtime.forget()
	h.router.hold = func() error {
		equal(t, "before the hold", h.runtime.called(), "build:blue start:blue discard:blue")
		return nil
	}
	equal(t, "state", string(h.deploy("", commitC, true).State), "succeeded")
}

func TestRun_EndOfTheProbeCannotBeWritten_IsUndone(t *testing.T) {
	h := newHouse(t).blueLive()
	h.deploy("", commitB, true)
	var observed atomic.Int64
	h.sees(deploy.Blue, func(s *deploy.SliceStatus) {
		if s.Commit == commitC && observed.Add(1) == 2 { // the look that the probe passes with
			h.journal.setFull(true)
		}
	})
	h.runtime.forget()
	d, err := h.Deploy(context.Background(), "shop", deploy.DeployRequest{Commit: commitC, Promote: true})
	testkit.Eventually(t, "the start is undone", func() bool { return h.runtime.called() == "build:blue start:blue revert:blue" })
	h.journal.setFull(false)
	testkit.Eventually(t, "the end is in the journal", func() bool {
		d, err = h.Deployment(context.Background(), d.ID)
		return err == nil && d.State == deploy.StateAborted
	})
	equal(t, "live", h.live(), "green b")
}

// cutOff is a house with B live on green and A before it on blue, in which verdigris was killed while it brought C to blue.
func cutOff(t *testing.T, phases ...deploy.PhaseRecord) (*house, deploy.Deployment) {
	t.Helper()
	h := newHouse(t).blueLive()
	h.deploy("", commitB, true)
	h.stop()
	d, err := h.journal.Create(context.Background(), deploy.Deployment{
		App: "shop", Kind: deploy.KindDeploy, Slice: deploy.Blue, From: deploy.Green, Commit: commitC, Promote: true,
		State: deploy.StateRunning, Phases: phases,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.runtime.Start(context.Background(), deploy.Blue, deploy.Release{Commit: commitC, Deployment: d.ID}, nil); err != nil {
		t.Fatal(err)
	}
	h.runtime.forget()
	return h, d
}

var (
	starting = deploy.PhaseRecord{Phase: deploy.PhaseStart, State: deploy.PhaseRunning}
	started  = deploy.PhaseRecord{Phase: deploy.PhaseStart, State: deploy.PhaseDone}
	probing  = deploy.PhaseRecord{Phase: deploy.PhaseProbe, State: deploy.PhaseRunning}
	probed   = deploy.PhaseRecord{Phase: deploy.PhaseProbe, State: deploy.PhaseDone}
)

func TestWorker_KilledBeforeTheProbePassed_UndoesTheStart(t *testing.T) {
	for _, at := range [][]deploy.PhaseRecord{{starting}, {started, probing}} {
		h, d := cutOff(t, at...)
		h.start()
		equal(t, "state", string(h.ended(d, nil).State), "aborted")
		equal(t, "runtime", h.runtime.called(), "revert:blue")
		equal(t, "rollback", string(h.ended(h.Rollback(context.Background(), "shop", deploy.Trigger{})).State), "succeeded")
		equal(t, "live", h.live(), "blue a")
	}
}

func TestWorker_KilledAfterTheProbePassed_FinishesTheStart(t *testing.T) {
	h, d := cutOff(t, started, probed)
	h.start()
	equal(t, "state", string(h.ended(d, nil).State), "aborted")
	equal(t, "runtime", h.runtime.called(), "discard:blue")
	_, err := h.Rollback(context.Background(), "shop", deploy.Trigger{})
	contains(t, "the refusal of a rollback", errorText(err), "blue no longer runs the previous release aaaaaaaaaaaa but cccccccccccc")
}

func TestWorker_KilledInAStartOnWhatIsLiveNow_LeavesTheLiveSliceAlone(t *testing.T) {
	h, d := cutOff(t, starting)
	h.router.route.Slice = deploy.Blue
	h.start()
	h.ended(d, nil)
	equal(t, "runtime", h.runtime.called(), "discard:blue")
}

func TestWorker_EngineAwayAtTheStart_UndoesTheStartLater(t *testing.T) {
	h, d := cutOff(t, starting)
	var asked atomic.Int64
	h.runtime.revert = func(deploy.Slice) error {
		if asked.Add(1) <= 1 {
			return errors.New("the Docker Engine cannot be reached")
		}
		return nil
	}
	h.start()
	h.ended(d, nil)
	testkit.Eventually(t, "the start is undone", func() bool { return h.runtime.called() == "revert:blue" })
}

func TestWorker_StartCouldNotBeUndone_IsUndoneBeforeTheNext(t *testing.T) {
	h := newHouse(t).blueLive()
	h.deploy("", commitB, true)
	h.neverReady(deploy.Blue)
	var away atomic.Bool
	away.Store(true)
	h.runtime.revert = func(deploy.Slice) error {
		if away.Load() {
			return errors.New("the Docker Engine cannot be reached")
		}
		return nil
	}
	h.runtime.forget()
	h.deploy("", commitC, true)
	d := h.deploy("", commitB, true)
	equal(t, "state", string(d.State), "aborted")
	contains(t, "reason", d.Error.Reason, "put blue in order", "cannot be reached")
	away.Store(false)
	equal(t, "state", string(h.deploy("", commitB, true).State), "succeeded")
	equal(t, "runtime", strings.ReplaceAll(h.runtime.called(), "build:blue ", ""), "start:blue revert:blue start:blue discard:blue")
}
