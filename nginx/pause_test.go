package nginx

import (
	"context"
	"net/http"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// pause stops all processes of a container where they are, until undo is called.
func (c dockerContainer) pause(t *testing.T) (undo func()) {
	t.Helper()
	testkit.Docker(t, "pause", c.name)
	undo = func() { _, _ = docker(background(t), "unpause", c.name) } // it may be running again by itself
	t.Cleanup(undo)
	return undo
}

// answersFrom fails unless requests are answered by the slice, as its own containers say.
func (s *site) answersFrom(t *testing.T, slice deploy.Slice) {
	t.Helper()
	for range 20 {
		if a := receive(t, s.send(t, http.MethodGet, "/", "", nil)); a.status != http.StatusOK || a.body != string(slice) {
			t.Fatalf("%d %q instead of %s", a.status, a.body, slice)
		}
	}
}

// usualBounds are those of the product, so that what waits for a router that stands still gives up.
func (r *Router) usualBounds() { r.ReloadTimeout, r.TestTimeout = 5*time.Second, 5*time.Second }

func TestRouter_PausedWhileDraining_KeepsTheOldSlice(t *testing.T) {
	t.Parallel()
	s, router := newContainerSite(t)
	blue, green := newBackend(t, deploy.Blue, nil), newBackend(t, deploy.Green, nil)
	s.goLive(t, blue)
	h, err := s.Hold(t.Context(), green.route())
	testkit.Must(t, err)
	undo := router.pause(t)
	s.usualBounds()
	if _, err := h.Drain(t.Context(), time.Second); err == nil {
		t.Error("a router that stands still was taken for drained")
	}
	_ = h.Abort(t.Context()) // it cannot be confirmed
	undo()
	s.answersFrom(t, deploy.Blue)
	if route, err := s.Current(t.Context()); err != nil || route.Slice != deploy.Blue {
		t.Errorf("the file says %q, %v", route.Slice, err)
	}
}

func TestRouter_PausedAtTheStartAfterAKillInTheHold_KeepsTheOldSlice(t *testing.T) {
	t.Parallel()
	s, router := newContainerSite(t)
	blue, green := newBackend(t, deploy.Blue, nil), newBackend(t, deploy.Green, nil)
	s.goLive(t, blue)
	h, err := s.Hold(t.Context(), green.route())
	testkit.Must(t, err)
	testkit.Must(t, h.(*hold).gate.close(context.Background())) // as the kernel does when verdigris is killed
	undo := router.pause(t)
	again, err := New(s.settings, s.Process, s.Clients)
	testkit.Must(t, err)
	again.usualBounds()
	_, _ = again.Prepare(t.Context()) // it cannot be confirmed
	undo()
	s.answersFrom(t, deploy.Blue)
	if route, err := again.Current(t.Context()); err != nil || route.Slice != deploy.Blue {
		t.Errorf("the file says %q, %v", route.Slice, err)
	}
}
