package deploy_test

import (
	"context"
	"strings"
	"testing"

	"verdigris/deploy"
)

// headIs has the repository say what is at the head of the branch that is pushed to.
func (h *house) headIs(c deploy.Commit) {
	answer := func(string) (deploy.Commit, error) {
		if c == "" {
			return "", deploy.ErrUnknownRef
		}
		return c, nil
	}
	h.source.head.Store(&answer)
}

// pushedTo delivers a push to main.
func (h *house) pushedTo(delivery string, c deploy.Commit) deploy.Deployment {
	h.t.Helper()
	out, err := h.Push(context.Background(), "shop", deploy.Push{Forge: "github", Delivery: delivery, Ref: "refs/heads/main", Commit: c})
	if err != nil {
		h.t.Fatal(err)
	}
	return h.ended(out.Deployment, nil)
}

func TestPush_CommitIsNoLongerTheHead_IsSupersededAndChangesNothing(t *testing.T) {
	h := newHouse(t).blueLive()
	h.headIs(commitC)
	equal(t, "the newer push", string(h.pushedTo("newer", commitC).State), "succeeded")
	h.runtime.forget()
	d := h.pushedTo("older", commitB)
	equal(t, "state", string(d.State), "superseded")
	equal(t, "reason", d.Error.Reason, "main has moved on: its head is "+commitC.Short()+", no longer "+commitB.Short())
	if !strings.Contains(d.Error.Next, "verdigris deploy --commit "+string(commitB)) {
		t.Errorf("next: %s", d.Error.Next)
	}
	equal(t, "phases", phases(d), "")
	equal(t, "runtime", h.runtime.called(), "")
	equal(t, "live", h.live(), "green c")
	h.headIs("")
	equal(t, "a branch that is gone", h.pushedTo("gone", commitA).Error.Reason, "main is gone from the repository")
	equal(t, "a person's word", string(h.deploy("", commitB, true).State), "succeeded")
}

func TestPush_ForgeIsAway_GoesByTheOtherPushes(t *testing.T) {
	h := newHouse(t).blueLive()
	h.journal.overtook = map[deploy.Commit]deploy.Commit{commitB: commitC}
	equal(t, "the older push", string(h.pushedTo("older", commitB).State), "superseded")
	equal(t, "the newer push", string(h.pushedTo("newer", commitC).State), "succeeded")
	equal(t, "live", h.live(), "green c")
}
