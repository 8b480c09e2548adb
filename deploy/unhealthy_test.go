package deploy_test

import (
	"context"
	"slices"
	"testing"

	"verdigris/deploy"
)

// sees changes what is observed of the slice from now on, after what was changed before.
func (h *house) sees(slice deploy.Slice, change func(*deploy.SliceStatus)) {
	h.runtime.mu.Lock()
	defer h.runtime.mu.Unlock()
	before := h.runtime.see
	h.runtime.see = func(s *deploy.SliceStatus) {
		if before != nil {
			before(s)
		}
		if s.Slice == slice {
			change(s)
		}
	}
}

// unhealthy makes the engine call the slice's containers unhealthy.
func (h *house) unhealthy(slice deploy.Slice) {
	h.sees(slice, func(s *deploy.SliceStatus) {
		for i := range s.Containers {
			s.Containers[i].Health = "unhealthy"
		}
	})
}

// deaf adds to the slice a web container of the same release that answers nobody.
func (h *house) deaf(slice deploy.Slice, health string) {
	h.sees(slice, func(s *deploy.SliceStatus) {
		s.Containers = append(s.Containers, deploy.ContainerStatus{Name: "deaf", Service: "web", State: "running", Health: health, Commit: s.Commit})
		s.Endpoints = append(s.Endpoints, deploy.Endpoint{Container: "deaf", Address: "127.0.0.1:1"})
	})
}

// routed names the containers that the route leads to.
func (h *house) routed() (names []string) {
	route, _ := h.router.Current(context.Background())
	for _, e := range route.Endpoints {
		names = append(names, e.Container)
	}
	return names
}

func TestController_PreviousCalledUnhealthyAnswers_IsRolledBackTo(t *testing.T) {
	h := newHouse(t).blueLive()
	h.deploy("", commitB, true)
	h.unhealthy(deploy.Blue)
	if s, err := h.Status(context.Background(), "shop"); err != nil || s.Previous != deploy.Blue {
		t.Errorf("the previous slice is %q: %v", s.Previous, err)
	}
	d := h.ended(h.Rollback(context.Background(), "shop", deploy.Trigger{}))
	equal(t, "state", string(d.State), "succeeded")
	equal(t, "live", h.live(), "blue a")
}

func TestController_PreviousCalledUnhealthy_IsRoutedToWhereItAnswers(t *testing.T) {
	h := newHouse(t).blueLive()
	h.deploy("", commitB, true)
	h.unhealthy(deploy.Blue)
	h.deaf(deploy.Blue, "unhealthy")
	d := h.ended(h.Rollback(context.Background(), "shop", deploy.Trigger{}))
	equal(t, "state", string(d.State), "succeeded")
	if got := h.routed(); !slices.Equal(got, []string{"blue-web-1"}) {
		t.Errorf("routed to %q", got)
	}
}

func TestController_PreviousPartlyUnhealthy_IsRoutedToTheHealthyOnes(t *testing.T) {
	h := newHouse(t).blueLive()
	h.deploy("", commitB, true)
	h.deaf(deploy.Blue, "unhealthy")
	d := h.ended(h.Rollback(context.Background(), "shop", deploy.Trigger{}))
	equal(t, "state", string(d.State), "succeeded")
	if got := h.routed(); !slices.Equal(got, []string{"blue-web-1"}) {
		t.Errorf("routed to %q", got)
	}
}

func TestController_PreviousCalledUnhealthyIsSilent_IsNotRolledBackTo(t *testing.T) {
	h := newHouse(t).blueLive()
	h.deploy("", commitB, true)
	h.unhealthy(deploy.Blue)
	h.runtime.running[deploy.Blue].Close()
	d := h.ended(h.Rollback(context.Background(), "shop", deploy.Trigger{}))
	equal(t, "state", string(d.State), "aborted")
	equal(t, "live", h.live(), "green b")
}

func TestController_ReleaseFailsWhilePreviousIsCalledUnhealthy_GoesBack(t *testing.T) {
	h := newHouse(t).blueLive()
	h.greenFails()
	h.unhealthy(deploy.Blue)
	equal(t, "state", string(h.deploy("", commitB, true).State), "rolled_back")
	equal(t, "live", h.live(), "blue a")
}

func TestController_PreviousOfTwoReleases_IsNotSwitchedTo(t *testing.T) {
	h := newHouse(t).blueLive()
	h.deploy("", commitB, true)
	h.deaf(deploy.Blue, "")
	h.sees(deploy.Blue, func(s *deploy.SliceStatus) { s.Commit, s.Containers[1].Commit = "", commitC })
	_, err := h.Rollback(context.Background(), "shop", deploy.Trigger{})
	contains(t, "the refusal of a rollback", errorText(err), "blue runs containers of more than one release: aaaaaaaaaaaa, cccccccccccc")
	_, err = h.Switch(context.Background(), "shop", deploy.SwitchRequest{})
	contains(t, "the refusal of a switch", errorText(err), "more than one release", "verdigris deploy blue")
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
