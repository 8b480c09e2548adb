package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

func TestTheFirstDeploymentGoesLiveWithoutACutover(t *testing.T) {
	h := newHouse(t)
	d := h.deploy("", commitA, true)
	equal(t, "phases", phases(d), "fetch build start probe route verify watch keep")
	equal(t, "state", string(d.State), "succeeded")
	equal(t, "live", h.live(), "blue a")
	equal(t, "router", h.router.called(), "apply:blue")
	equal(t, "data", h.data.called(), "mirror: open:blue open:blue mirror:blue")
}

func TestAPushGoesThroughAllPhasesToTheIdleSlice(t *testing.T) {
	h := newHouse(t, func(a *deploy.App, _ *house) { a.Migrate = "migrate" }).blueLive()
	out, err := h.Push(context.Background(), "shop", deploy.Push{Forge: "github", Delivery: "1", Commit: commitB, Ref: "refs/heads/main"})
	d := h.ended(out.Deployment, err)
	equal(t, "phases", phases(d), "fetch build migrate start probe copy hold settle route release turn verify watch keep")
	equal(t, "live", h.live(), "green b")
	equal(t, "router", h.router.called(), "hold drain route:green release")
	equal(t, "data", h.data.called(), "open:green open:green begin:blue>green copy settle turn close mirror:green")
	equal(t, "runtime", h.runtime.called(), "build:green job:migrate start:green")
	h.pruned(2)
	equal(t, "subject", d.Subject, "subject of "+commitB.Short())
	equal(t, "digest", d.Digests["cache"], "redis@sha256:1")
}

func TestALineOfABuildSaysInFieldsWhichStepItIsAbout(t *testing.T) {
	h := newHouse(t)
	d := h.deploy("", commitA, true)
	events, err := h.journal.Events(t.Context(), d.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Type != deploy.EventLog || e.Step == nil {
			continue
		}
		if e.Message != "web [1/1] RUN make: done in 3.1 s" || e.Step.State != deploy.StepDone || e.Phase != deploy.PhaseBuild {
			t.Errorf("the event is %+v of %+v", e, e.Step)
		}
		return
	}
	t.Errorf("no event has a step: %+v", events)
}

func TestWithManualPromotionAPushStopsBeforeTheCutoverAndASwitchDoesIt(t *testing.T) {
	h := newHouse(t, func(a *deploy.App, _ *house) { a.Promote = deploy.PromoteManual }).blueLive()
	out, err := h.Push(context.Background(), "shop", deploy.Push{Forge: "github", Delivery: "1", Commit: commitB})
	d := h.ended(out.Deployment, err)
	equal(t, "phases", phases(d), "fetch build start probe keep")
	equal(t, "live", h.live(), "blue a")
	d = h.ended(h.Switch(context.Background(), "shop", deploy.SwitchRequest{}))
	equal(t, "phases", phases(d), "probe copy hold settle route release turn verify watch keep")
	equal(t, "live", h.live(), "green b")
}

func TestARollbackIsTheCutoverBackwardsWithoutBuildOrRestart(t *testing.T) {
	h := newHouse(t).blueLive()
	h.deploy("", commitB, true)
	h.runtime.forget()
	d := h.ended(h.Rollback(context.Background(), "shop", deploy.Trigger{By: deploy.ByCLI}))
	equal(t, "state", string(d.State), "succeeded")
	equal(t, "live", h.live(), "blue a")
	equal(t, "data", h.data.called(), "open:green begin:blue>green copy settle turn close mirror:green open:blue begin:green>blue copy settle turn close mirror:blue")
	equal(t, "runtime", h.runtime.called(), "")
	h.pruned(2)
}

func TestStagingIsDeployedAndNeverRouted(t *testing.T) {
	h := newHouse(t).blueLive()
	d := h.deploy(deploy.Staging, commitC, false)
	equal(t, "phases", phases(d), "fetch build start probe keep")
	equal(t, "live", h.live(), "blue a")
	_, err := h.Switch(context.Background(), "shop", deploy.SwitchRequest{To: deploy.Staging})
	if !errors.As(err, new(*deploy.InputError)) {
		t.Errorf("switch to staging: %v", err)
	}
	_, err = h.Deploy(context.Background(), "shop", deploy.DeployRequest{Slice: deploy.Staging, Promote: true})
	if !errors.As(err, new(*deploy.InputError)) {
		t.Errorf("promotion of staging: %v", err)
	}
}

func TestWhatDoesNotFitTheStateIsRefusedAndChangesNothing(t *testing.T) {
	ctx := context.Background()
	h := newHouse(t)
	refused := func(name string, err error) {
		t.Helper()
		if !errors.As(err, new(*deploy.ConflictError)) {
			t.Errorf("%s: got %v, want a conflict", name, err)
		}
	}
	_, err := h.Switch(ctx, "shop", deploy.SwitchRequest{})
	refused("switch while nothing is live", err)
	_, err = h.Rollback(ctx, "shop", deploy.Trigger{})
	refused("rollback without a previous slice", err)
	h.blueLive()
	_, err = h.Deploy(ctx, "shop", deploy.DeployRequest{Slice: deploy.Blue, Commit: commitB})
	refused("deploy to the live slice", err)
	_, err = h.Switch(ctx, "shop", deploy.SwitchRequest{To: deploy.Blue})
	refused("switch to the live slice", err)
	_, err = h.Switch(ctx, "shop", deploy.SwitchRequest{To: deploy.Green})
	refused("switch to a slice that does not run", err)
	refused("stop of the live slice", h.Stop(ctx, "shop", deploy.Blue))
	h.deploy("", commitB, true)
	h.deploy(deploy.Blue, commitC, false)
	_, err = h.Rollback(ctx, "shop", deploy.Trigger{})
	refused("rollback to a slice that runs another release by now", err)
	equal(t, "live", h.live(), "green b")
	if _, err := h.Status(ctx, "nosuch"); !errors.Is(err, deploy.ErrUnknownApp) {
		t.Errorf("unknown app: %v", err)
	}
}

func TestAFailureBeforeTheRouteAbortsAndLeavesTheLiveSliceAlone(t *testing.T) {
	boom := errors.New("boom")
	for _, c := range []struct {
		name    string
		arrange func(*house)
		phases  string
		router  string
		runtime string
	}{
		{"fetch", func(h *house) { h.source.fetch = func(context.Context, deploy.Commit) error { return boom } },
			"fetch:failed", "", ""},
		{"compose file refused", func(h *house) { h.runtime.check = func(deploy.Slice) error { return boom } },
			"fetch:failed", "", ""},
		{"build", func(h *house) { h.runtime.build = func(context.Context) error { return boom } },
			"fetch build:failed", "", "build:green"},
		{"start", func(h *house) { h.runtime.start = func(deploy.Slice) error { return boom } },
			"fetch build start:failed", "", "build:green start:green"},
		{"copy", func(h *house) { h.data.copy = func(deploy.Slice) error { return boom } },
			"fetch build start probe copy:failed", "", "build:green start:green"},
		{"redis unreachable", func(h *house) { h.data.begin = func(deploy.Slice) error { return boom } },
			"fetch build start probe copy:failed", "", "build:green start:green"},
		{"hold", func(h *house) { h.router.hold = func() error { return boom } },
			"fetch build start probe copy hold:failed", "hold", "build:green start:green"},
		{"drain", func(h *house) { h.router.drain = func(context.Context) (int, error) { return 0, boom } },
			"fetch build start probe copy hold:failed", "hold drain abort", "build:green start:green"},
		{"settle", func(h *house) { h.data.settle = func(deploy.Slice) error { return deploy.ErrDataDiffers } },
			"fetch build start probe copy hold settle:failed", "hold drain abort", "build:green start:green"},
		{"route refused", func(h *house) {
			h.router.onRoute = func() error { return fmt.Errorf("nginx -t: %w", deploy.ErrRouteRefused) }
		}, "fetch build start probe copy hold settle route:failed", "hold drain route:green abort", "build:green start:green"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t).blueLive()
			c.arrange(h)
			d := h.deploy("", commitB, true)
			equal(t, "state", string(d.State), "aborted")
			equal(t, "phases", phases(d), c.phases)
			equal(t, "router", h.router.called(), c.router)
			equal(t, "runtime", h.runtime.called(), c.runtime)
			equal(t, "live", h.live(), "blue a")
			if d.Error == nil || d.Error.Reason == "" || d.Error.Next == "" || !strings.HasPrefix(d.Error.Serving, "blue") {
				t.Errorf("failure does not tell enough: %+v", d.Error)
			}
		})
	}
}

func TestAFailureSaysWhenTheSiteDoesNotAnswer(t *testing.T) {
	for want, get := range map[string]func(deploy.Slice) (int, error){
		"blue (aaaaaaaaaaaa) is live and serving":                            nil,
		"blue (aaaaaaaaaaaa) is live, but the site does not answer: boom":    func(deploy.Slice) (int, error) { return 0, errors.New("boom") },
		"blue (aaaaaaaaaaaa) is live, but the site answers /health with 502": func(deploy.Slice) (int, error) { return 502, nil },
	} {
		h := newHouse(t).blueLive()
		h.router.get = get
		h.runtime.start = func(deploy.Slice) error { return errors.New("no") }
		equal(t, "serving", h.deploy("", commitB, true).Error.Serving, want)
	}
}

func TestASliceThatNeverGetsHealthyIsUndoneAndItsLogIsShown(t *testing.T) {
	for name, change := range map[string]func(*house){
		"answers 500": func(h *house) {
			h.runtime.handler = func(deploy.Slice) http.HandlerFunc {
				return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }
			}
		},
		"hangs": func(h *house) {
			h.runtime.handler = func(deploy.Slice) http.HandlerFunc {
				return func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
			}
		},
		"exits": func(h *house) {
			h.runtime.has(deploy.ContainerStatus{Name: "shop-green-web-1", State: "exited", ExitCode: 3})
		},
		"keeps restarting": func(h *house) {
			h.runtime.has(deploy.ContainerStatus{Name: "shop-green-web-1", State: "restarting", Restarts: 3})
		},
		"smoke check fails": func(h *house) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each waits for its deadline, which a busy machine must be able to keep with what is well
			h := newHouse(t, func(a *deploy.App, _ *house) {
				a.Health.Deadline, a.Health.Timeout = 2*time.Second, time.Second
			}).blueLive()
			if name == "smoke check fails" {
				h = newHouse(t, func(a *deploy.App, _ *house) {
					a.Smoke = []deploy.Check{{Name: "front page", Method: "GET", Path: "/", Status: 200, Contains: "from blue"}}
				}).blueLive()
			}
			change(h)
			d := h.deploy("", commitB, true)
			equal(t, "state", string(d.State), "aborted")
			equal(t, "phases", phases(d), "fetch build start probe:failed")
			equal(t, "runtime", h.runtime.called(), "build:green start:green revert:green")
			equal(t, "live", h.live(), "blue a")
			equal(t, "log", strings.Join(d.Error.Log, "|"), "web | the last words of green")
		})
	}
}

func TestARouterThatIsAwayForAMomentSaysNothingAboutTheRelease(t *testing.T) {
	h := newHouse(t).blueLive()
	var asked atomic.Int64
	h.router.away = func() bool { // it dies right after the cutover, and once more while the release is watched
		n := asked.Add(1)
		return n <= 5 || 7 <= n && n <= 12
	}
	d := h.deploy("", commitB, true)
	equal(t, "state", string(d.State), "succeeded")
	equal(t, "live", h.live(), "green b")
}

func TestAReleaseThatFailsAfterTheCutoverIsRolledBackWithItsData(t *testing.T) {
	h := newHouse(t).blueLive()
	var asked atomic.Int64
	h.router.get = func(s deploy.Slice) (int, error) {
		if s == deploy.Green && asked.Add(1) > 1 { // answers 200 once, and then dies
			return 502, nil
		}
		return 200, nil
	}
	d := h.deploy("", commitB, true)
	equal(t, "state", string(d.State), "rolled_back")
	equal(t, "phases", phases(d), "fetch build start probe copy hold settle route release turn verify watch:failed return")
	equal(t, "live", h.live(), "blue a")
	equal(t, "data", h.data.called(), "open:green begin:blue>green copy settle turn close mirror:green begin:green>blue copy settle turn close mirror:blue")
	equal(t, "router", h.router.called(), "hold drain route:green release hold drain route:blue release")
	if _, err := h.Rollback(context.Background(), "shop", deploy.Trigger{}); err == nil {
		t.Error("a rollback onto the release that failed must be refused")
	}
}

func TestTheWayBackIsTakenEvenWhenTheDataCannotBeCarriedAndThatIsSaid(t *testing.T) {
	h := newHouse(t).blueLive()
	h.router.get = func(s deploy.Slice) (int, error) {
		if s == deploy.Green {
			return 502, nil
		}
		return 200, nil
	}
	h.data.copy = func(from deploy.Slice) error {
		if from == deploy.Green {
			return errors.New("redis is gone")
		}
		return nil
	}
	d := h.deploy("", commitB, true)
	equal(t, "state", string(d.State), "rolled_back")
	equal(t, "live", h.live(), "blue a")
	if !strings.Contains(d.Error.Reason, "redis is gone") {
		t.Errorf("the loss is not told: %s", d.Error.Reason)
	}
}

func TestARouteThatIsNotConfirmedGoesBackWithWhatTheNewSliceWrote(t *testing.T) {
	h := newHouse(t).blueLive()
	h.router.onRoute = func() error { return errors.New("the new generation never answered") }
	d := h.deploy("", commitB, true)
	equal(t, "state", string(d.State), "rolled_back")
	equal(t, "live", h.live(), "blue a")
	equal(t, "router", h.router.called(), "hold drain route:green abort")
	equal(t, "data", h.data.called(), "open:green begin:blue>green copy settle begin:green>blue settle close close mirror:blue")
}

func TestAPhaseThatCannotBeWrittenDownDoesNotBegin(t *testing.T) {
	h := newHouse(t).blueLive()
	h.source.fetch = func(context.Context, deploy.Commit) error {
		h.journal.setFull(true)
		return nil
	}
	d, err := h.Deploy(context.Background(), "shop", deploy.DeployRequest{Commit: commitB, Promote: true})
	if err != nil {
		t.Fatal(err)
	}
	events, err := h.Events(context.Background(), d.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	var last deploy.Event
	for e := range events {
		last = e
	}
	equal(t, "last event", string(last.State), "aborted")
	h.journal.setFull(false)
	testkit.Eventually(t, "the end is in the journal", func() bool {
		final, err := h.Deployment(context.Background(), d.ID)
		return err == nil && final.State == deploy.StateAborted
	})
	equal(t, "runtime", h.runtime.called(), "")
	equal(t, "live", h.live(), "blue a")
}
