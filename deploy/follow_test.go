package deploy_test

import (
	"context"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// moves gives the slice another address, as a restarted container may have.
func (h *house) moves(s deploy.Slice, c deploy.Commit) {
	h.t.Helper()
	if err := h.runtime.Start(context.Background(), s, deploy.Release{Commit: c}, nil); err != nil {
		h.t.Fatal(err)
	}
	if err := h.runtime.Discard(context.Background(), s, nil); err != nil {
		h.t.Fatal(err)
	}
}

// routedTo tells whether the route has the slice's present address.
func (h *house) routedTo(s deploy.Slice) bool {
	route, _ := h.router.Current(context.Background())
	status, _ := h.runtime.Observe(context.Background(), s)
	return route.Slice == s && route.Endpoints[0].Address == status.Endpoints[0].Address
}

func TestTheRouteFollowsAContainerToItsNewAddress(t *testing.T) {
	h := newHouse(t).blueLive()
	h.moves(deploy.Blue, commitA)
	testkit.Eventually(t, "the route has the new address", func() bool { return h.routedTo(deploy.Blue) })
	equal(t, "live", h.live(), "blue a")
}

func TestTheRouteFollowsWhileADeploymentTakesLong(t *testing.T) {
	h := newHouse(t).blueLive()
	started, release := h.blocked()
	d := h.pushed("1", commitB)
	<-started
	h.moves(deploy.Blue, commitA)
	testkit.Eventually(t, "the route has the new address", func() bool { return h.routedTo(deploy.Blue) })
	release()
	equal(t, "state", string(h.ended(d, nil).State), "succeeded")
	equal(t, "live", h.live(), "green b")
}

func TestTheRouteLeadsToWhereTheSliceRunsAfterTheCopy(t *testing.T) {
	h := newHouse(t).blueLive()
	h.data.copy = func(deploy.Slice) error {
		h.moves(deploy.Green, commitB)
		return nil
	}
	d := h.deploy("", commitB, true)
	equal(t, "state", string(d.State), "succeeded")
	if !h.routedTo(deploy.Green) {
		t.Error("the route has the address from before the copy")
	}
}
