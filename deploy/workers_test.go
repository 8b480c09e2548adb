package deploy_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// withWorkers gives the app a worker service.
func withWorkers(_ *deploy.App, h *house) { h.runtime.workers = map[deploy.Slice]string{} }

func TestWorkersRunOnTheLiveSliceAlone(t *testing.T) {
	h := newHouse(t, withWorkers)
	d := h.deploy("", commitA, true)
	equal(t, "first release", phases(d), "fetch build start probe route workers verify watch keep")
	equal(t, "working", h.runtime.working(), "blue")

	h.deploy(deploy.Green, commitB, false)
	h.deploy(deploy.Staging, commitB, false)
	equal(t, "working while green is ready", h.runtime.working(), "blue")

	d = h.ended(h.Switch(context.Background(), "shop", deploy.SwitchRequest{}))
	equal(t, "switch", phases(d), "probe copy workers hold settle route release turn workers verify watch keep")
	equal(t, "stopped", detail(d, deploy.PhaseWorkers), "1 worker of blue stopped")
	equal(t, "working after the switch", h.runtime.working(), "green")

	h.ended(h.Rollback(context.Background(), "shop", deploy.Trigger{}))
	equal(t, "working after the rollback", h.runtime.working(), "blue")
}

func TestACutoverThatComesToNothingGivesTheOldSliceItsWorkersBack(t *testing.T) {
	boom := errors.New("boom")
	for _, c := range []struct {
		name    string
		arrange func(*house)
		phases  string
	}{
		{"workers cannot be stopped", func(h *house) { set(h.runtime, &h.runtime.stopWorkers, func(deploy.Slice) error { return boom }) },
			"fetch build start probe copy workers:failed"},
		{"settle", func(h *house) { h.data.settle = func(deploy.Slice) error { return boom } },
			"fetch build start probe copy workers hold settle:failed"},
		{"route refused", func(h *house) { h.router.onRoute = func() error { return deploy.ErrRouteRefused } },
			"fetch build start probe copy workers hold settle route:failed"},
		{"the journal is full", func(h *house) {
			set(h.runtime, &h.runtime.stopWorkers, func(deploy.Slice) error { h.journal.setFull(true); return nil })
			set(h.runtime, &h.runtime.startWorkers, func(deploy.Slice) error { h.journal.setFull(false); return nil })
		}, "fetch build start probe copy workers hold:failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t, withWorkers).blueLive()
			c.arrange(h)
			d := h.deploy("", commitB, true)
			equal(t, "state", string(d.State), "aborted")
			equal(t, "phases", phases(d), c.phases)
			equal(t, "runtime", h.runtime.called(), "build:green start:green workers-stop:blue workers-start:blue")
			equal(t, "working", h.runtime.working(), "blue")
			equal(t, "live", h.live(), "blue a")
		})
	}
}

func TestAStopOfWorkersIsNotCutOff(t *testing.T) {
	h := newHouse(t, withWorkers).blueLive()
	set(h.runtime, &h.runtime.stopWorkers, func(deploy.Slice) error { h.cancel(); return nil })
	h.router.hold = func() error { return context.Canceled }
	d := h.deploy("", commitB, true)
	h.stop()
	equal(t, "state", string(d.State), "aborted")
	equal(t, "phases", phases(d), "fetch build start probe copy workers hold:failed")
	equal(t, "working", h.runtime.working(), "blue")
}

func TestWorkersThatDoNotStartSendTheReleaseBack(t *testing.T) {
	h := newHouse(t, withWorkers).blueLive()
	set(h.runtime, &h.runtime.startWorkers, func(s deploy.Slice) error {
		if s == deploy.Green {
			return errors.New("exec: no such file")
		}
		return nil
	})
	d := h.deploy("", commitB, true)
	equal(t, "state", string(d.State), "rolled_back")
	equal(t, "phases", phases(d), "fetch build start probe copy workers hold settle route release turn workers:failed return")
	equal(t, "working", h.runtime.working(), "blue")
	contains(t, "next step", d.Error.Next, "verdigris logs green", "workers")
}

func TestWorkersThatCannotBeStoppedDoNotKeepTheTrafficOnAReleaseThatFailed(t *testing.T) {
	h := newHouse(t, withWorkers).blueLive()
	h.greenFails()
	set(h.runtime, &h.runtime.stopWorkers, func(s deploy.Slice) error {
		if s == deploy.Green {
			return errors.New("docker does not answer")
		}
		return nil
	})
	d := h.deploy("", commitB, true)
	equal(t, "state", string(d.State), "rolled_back")
	equal(t, "live", h.live(), "blue a")
}

func TestAWayBackThatFailsLeavesTheWorkersWithTheTraffic(t *testing.T) {
	h := newHouse(t, withWorkers).blueLive()
	h.greenFails()
	h.router.hold = secondTime("the router is gone")
	d := h.deploy("", commitB, true)
	equal(t, "state", string(d.State), "failed")
	equal(t, "working", h.runtime.working(), "green")
}

func TestWorkersAreBroughtToTheirPlaceAfterACrash(t *testing.T) {
	h := newHouse(t, withWorkers).blueLive()
	h.deploy(deploy.Green, commitB, false)
	h.stop()
	h.runtime.work(deploy.Blue, "exited") // a cutover stopped them and was cut off
	h.runtime.work(deploy.Green, "running")
	h.start()
	testkit.Eventually(t, "the workers are where the traffic is", func() bool { return h.runtime.working() == "blue" })
}

func TestWorkersThatStartOnAnIdleSliceAreStopped(t *testing.T) {
	h := newHouse(t, withWorkers).blueLive()
	h.deploy(deploy.Green, commitB, false)
	h.runtime.work(deploy.Green, "running")
	testkit.Eventually(t, "the idle slice's worker is stopped", func() bool { return h.runtime.working() == "blue" })
}

func TestWorkersThatCouldNotBeStartedAgainAreTriedAgain(t *testing.T) {
	h := newHouse(t, withWorkers).blueLive()
	h.data.settle = func(deploy.Slice) error { return deploy.ErrDataDiffers }
	failed := false
	set(h.runtime, &h.runtime.startWorkers, func(deploy.Slice) error {
		if !failed {
			failed = true
			return errors.New("docker does not answer")
		}
		return nil
	})
	d := h.deploy("", commitB, true)
	contains(t, "reason", d.Error.Reason, deploy.ErrDataDiffers.Error(), "start the workers of blue again", "docker does not answer")
	testkit.Eventually(t, "the worker runs again", func() bool { return h.runtime.working() == "blue" })
}

func TestAWorkerThatEndedByItselfIsItsRestartPolicysBusiness(t *testing.T) {
	h := newHouse(t, withWorkers).blueLive()
	h.runtime.work(deploy.Blue, "exited")
	h.moves(deploy.Green, commitB) // two looks are enough: the second stops green's worker
	h.runtime.work(deploy.Green, "running")
	testkit.Eventually(t, "the look has been taken", func() bool { return h.runtime.working() == "" })
	equal(t, "runtime", h.runtime.called(), "start:green workers-stop:green")
}

func TestAStoppedWorkerDoesNotMakeASliceUnhealthy(t *testing.T) {
	for _, state := range []deploy.ContainerStatus{{State: "created"}, {State: "exited"}, {State: "exited", ExitCode: 143}} {
		h := newHouse(t).blueLive()
		state.Name, state.Worker = "shop-green-jobs-1", true
		h.runtime.has(state)
		equal(t, state.State, string(h.deploy("", commitB, true).State), "succeeded")
	}
}

// dockerAway is an engine that is away from the route on, as while it is being restarted.
func (h *house) dockerAway() *atomic.Bool {
	away := &atomic.Bool{}
	set(h.runtime, &h.runtime.observe, func() error {
		if away.Load() {
			return errors.New("docker does not answer")
		}
		return nil
	})
	h.router.onRoute = func() error { away.Store(true); return nil }
	return away
}

func TestAnEngineThatIsAwaySaysNothingAboutTheRelease(t *testing.T) {
	h := newHouse(t).blueLive()
	h.dockerAway()
	d := h.deploy("", commitB, true)
	equal(t, "state", string(d.State), "succeeded")
	equal(t, "phases", phases(d), "fetch build start probe copy hold settle route release turn verify watch keep:failed")
	equal(t, "live", h.live(), "green b")
}

func TestWorkersAreStartedWhenTheEngineIsBack(t *testing.T) {
	h := newHouse(t, withWorkers).blueLive()
	away := h.dockerAway()
	equal(t, "state", string(h.deploy("", commitB, true).State), "succeeded")
	equal(t, "working without the engine", h.runtime.working(), "")
	away.Store(false)
	testkit.Eventually(t, "green's worker runs", func() bool { return h.runtime.working() == "green" })
}
