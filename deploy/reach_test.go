package deploy_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// apart has the router reach what the function returns no error for, and the engine say where the two sides are.
func (h *house) apart(reach func(address string) error, ways func(deploy.Slice) []deploy.Way) {
	h.router.mu.Lock()
	h.router.reach = reach
	h.router.mu.Unlock()
	set(h.runtime, &h.runtime.ways, ways)
}

func refused(address string) error {
	return &deploy.UnreachedError{Address: address, Reason: "the connection is refused"}
}

func impatient(app *deploy.App, _ *house) { app.Health.Deadline = app.Health.Interval * 10 }

func TestDeploy_SliceThatTheRouterDoesNotReach_IsRefusedBeforeTheHold(t *testing.T) {
	elsewhere := httptest.NewServer(nil)
	t.Cleanup(elsewhere.Close)
	address := strings.TrimPrefix(elsewhere.URL, "http://")
	h := newHouse(t, impatient).blueLive()
	h.apart(refused, func(s deploy.Slice) []deploy.Way {
		status, _ := h.runtime.Observe(context.Background(), s)
		return []deploy.Way{{
			Container: string(s) + "-web-1",
			Addresses: map[string]string{"ours": status.Endpoints[0].Address, "theirs": address},
			Router:    []string{"front", "ours"},
		}}
	})
	d := h.deploy("", commitB, true)
	equal(t, "phases", phases(d), "fetch build start probe:failed")
	testkit.Contains(t, d.Error.Reason, "the router cannot connect to", "green-web-1 is in networks ours, theirs", "the router in networks front, ours", "it listens at "+address+" (network theirs) alone")
	testkit.Contains(t, d.Error.Next, "0.0.0.0")
	equal(t, "live", h.live(), "blue a")
	equal(t, "router", h.router.called(), "")
}

func TestSwitchPlan_SliceThatTheRouterDoesNotReach_NamesItAsAnObstacle(t *testing.T) {
	h := newHouse(t).blueLive()
	h.deploy("", commitB, false)
	h.apart(refused, nil)
	plan, err := h.PlanSwitch(context.Background(), "shop", deploy.SwitchRequest{})
	testkit.Must(t, err)
	testkit.Contains(t, strings.Join(plan.Obstacles, "\n"), "the router cannot connect to")
}

func TestFollow_NewAddressThatTheRouterDoesNotReach_LeavesTheOneThatAnswers(t *testing.T) {
	h := newHouse(t).blueLive()
	before, _ := h.router.Current(context.Background())
	still := before.Endpoints[0].Address
	asked := make(chan string, 1000)
	h.apart(func(address string) error { asked <- address; return refused(address) }, func(deploy.Slice) []deploy.Way {
		return []deploy.Way{{Container: "blue-web-1", Addresses: map[string]string{"theirs": still}}}
	})
	h.moves(deploy.Blue, commitA)
	<-asked
	if now, _ := h.router.Current(context.Background()); now.Endpoints[0].Address != still {
		t.Errorf("the route went to %s, which the router does not reach", now.Endpoints[0].Address)
	}

	// Once the container has the old address no longer, there is nothing to lose.
	h.apart(refused, nil)
	h.runtime.tell()
	testkit.Eventually(t, "the route has the new address", func() bool { return h.routedTo(deploy.Blue) })
}

func TestDeploy_NoWebContainerWithAnAddress_NamesTheNetworksOfBothSides(t *testing.T) {
	h := newHouse(t, impatient).blueLive()
	h.apart(nil, func(s deploy.Slice) []deploy.Way {
		return []deploy.Way{{Container: string(s) + "-web-1", Router: []string{"front"}}}
	})
	set(h.runtime, &h.runtime.see, func(status *deploy.SliceStatus) { status.Endpoints = nil })
	d := h.deploy("", commitB, true)
	equal(t, "phases", phases(d), "fetch build start probe:failed")
	testkit.Contains(t, d.Error.Reason, "green-web-1 is in no network", "the router is in network front")
}
