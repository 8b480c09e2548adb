package deploy_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"verdigris/deploy"
)

func TestADeploymentThatWasCutOffIsClosedWithWhatTheRouterSays(t *testing.T) {
	running := func(p deploy.Phase) []deploy.PhaseRecord {
		return []deploy.PhaseRecord{{Phase: p, State: deploy.PhaseRunning, StartedAt: time.Now()}}
	}
	for _, c := range []struct {
		commit deploy.Commit
		phase  deploy.Phase
		want   deploy.State
	}{
		{commitA, deploy.PhaseRoute, deploy.StateSucceeded},
		{commitA, deploy.PhaseReturn, deploy.StateFailed},
		{commitB, deploy.PhaseRoute, deploy.StateAborted},
		{commitB, deploy.PhaseReturn, deploy.StateRolledBack},
	} {
		h := newHouse(t).blueLive() // commit A
		h.stop()
		cut, err := h.journal.Create(context.Background(), deploy.Deployment{
			App: "shop", Kind: deploy.KindDeploy, Slice: deploy.Blue, From: deploy.Green, Commit: c.commit, Promote: true,
			State: deploy.StateRunning, Phases: running(c.phase),
		})
		if err != nil {
			t.Fatal(err)
		}
		h.start()
		equal(t, fmt.Sprintf("%.1s cut off in %s", c.commit, c.phase), string(h.ended(cut, nil).State), string(c.want))
		if s, err := h.Status(context.Background(), "shop"); err != nil || s.Running != nil {
			t.Errorf("%s: still said to be running: %+v %v", c.phase, s.Running, err)
		}
	}
}

func TestWhatWaitedIsTakenUpOnceTheJournalAnswersAndTheNewestPushWins(t *testing.T) {
	h := newHouse(t).blueLive()
	h.stop()
	waiting := func(c deploy.Commit) deploy.Deployment {
		d, err := h.journal.Create(context.Background(), deploy.Deployment{
			App: "shop", Kind: deploy.KindDeploy, Commit: c, Promote: true, State: deploy.StateQueued, Trigger: deploy.Trigger{By: deploy.ByPush},
		})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	older, newer := waiting(commitB), waiting(commitC)
	h.journal.setFull(true)
	h.start()
	h.journal.setFull(false)
	equal(t, "newer", string(h.ended(newer, nil).State), "succeeded")
	equal(t, "older", string(h.ended(older, nil).State), "superseded")
	equal(t, "live", h.live(), "green c")
}
