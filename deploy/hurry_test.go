package deploy_test

import (
	"context"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

func TestRollback_WhileTheReleaseIsWatched_EndsTheWatchAtOnce(t *testing.T) {
	h := newHouse(t, func(a *deploy.App, _ *house) {
		a.Watch = deploy.Watch{Duration: time.Hour, Interval: time.Minute, Failures: 2}
	})
	watched := func(d deploy.Deployment) deploy.PhaseRecord {
		t.Helper()
		now, err := h.Deployment(context.Background(), d.ID)
		testkit.Must(t, err)
		for _, p := range now.Phases {
			if p.Phase == deploy.PhaseWatch {
				return p
			}
		}
		return deploy.PhaseRecord{}
	}
	first, err := h.Deploy(context.Background(), "shop", deploy.DeployRequest{Slice: deploy.Blue, Commit: commitA, Promote: true})
	testkit.Must(t, err)
	testkit.Eventually(t, "the first release is watched", func() bool { return watched(first).State == deploy.PhaseRunning })
	if _, err := h.Rollback(context.Background(), "shop", deploy.Trigger{}); err == nil {
		t.Fatal("there is something to roll back to")
	}
	equal(t, "the watch goes on", string(watched(first).State), string(deploy.PhaseRunning))
	h.stop()
	h.start()
	equal(t, "first", string(h.ended(first, nil).State), "succeeded")

	second, err := h.Deploy(context.Background(), "shop", deploy.DeployRequest{Commit: commitB, Promote: true})
	testkit.Must(t, err)
	testkit.Eventually(t, "the second release is watched", func() bool { return watched(second).State == deploy.PhaseRunning })
	back, err := h.Rollback(context.Background(), "shop", deploy.Trigger{})
	testkit.Must(t, err)
	equal(t, "second", string(h.ended(second, nil).State), "succeeded")
	equal(t, "watch", watched(second).Detail, "cut short because a rollback was asked for")
	testkit.Eventually(t, "the traffic is back", func() bool { return h.live() == "blue a" })
	testkit.Eventually(t, "the rollback is watched", func() bool { return watched(back).State == deploy.PhaseRunning })
}
