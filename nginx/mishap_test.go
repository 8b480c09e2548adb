package nginx

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"verdigris/deploy"

	"verdigris/internal/testkit"
)

func TestTheRouterDiesDuringAHold(t *testing.T) {
	t.Parallel()
	s, _, green := twoSlices(t, nil)
	h := s.holdTowards(t, green)
	s.router.kill()
	if err := h.Route(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("Route: %v", err)
	}
	testkit.Must(t, h.Abort(t.Context()))
	s.startRouter(t)
	if _, slice, err := parted(s.Get(t.Context(), "/")); err != nil || slice != deploy.Blue {
		t.Errorf("after the start %q answers, %v", slice, err)
	}
}

func TestARouterThatComesBackDuringAHoldHoldsAndTurns(t *testing.T) {
	t.Parallel()
	s, blue, green := twoSlices(t, nil)
	h := s.holdTowards(t, green)
	lost := s.send(t, http.MethodPost, "/", "lost", strings.NewReader("x"))
	waiting(t, h, 1)
	s.router.kill()
	if a := receive(t, lost); a.status != http.StatusBadGateway {
		t.Errorf("what the router had with it when it died was answered with %d", a.status)
	}
	s.startRouter(t)
	if left, err := h.Drain(t.Context(), patience); err != nil || left != 0 {
		t.Errorf("%d requests are left, %v", left, err)
	}
	post := s.send(t, http.MethodPost, "/", "after", strings.NewReader("x"))
	waiting(t, h, 1)
	testkit.Must(t, h.Route(t.Context()))
	testkit.Must(t, h.Release(t.Context()))
	if a := receive(t, post); a.status != http.StatusOK || a.slice != deploy.Green {
		t.Errorf("%d from %s", a.status, a.slice)
	}
	if n := blue.count("POST lost") + green.count("POST lost"); n != 0 {
		t.Errorf("the lost request reached a slice %d times", n)
	}
}

func TestARouterKilledAfterTheRouteComesBackWithIt(t *testing.T) {
	t.Parallel()
	s, _, green := twoSlices(t, nil)
	h := s.holdTowards(t, green)
	testkit.Must(t, h.Route(t.Context()))
	s.router.kill()
	if err := h.Release(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("Release: %v", err)
	}
	s.startRouter(t)
	if _, slice, err := parted(s.Get(t.Context(), "/")); err != nil || slice != deploy.Green {
		t.Errorf("%s answers, %v", slice, err)
	}
}

func TestWithoutAGateRouteIsRefused(t *testing.T) {
	t.Parallel()
	s, blue, green := twoSlices(t, nil)
	h := s.holdTowards(t, green)
	testkit.Must(t, os.Remove(s.settings.run(gateSocket)))
	slipped := s.send(t, http.MethodPost, "/", "slipped", strings.NewReader("x"))
	if a := receive(t, slipped); a.status != http.StatusOK || a.slice != deploy.Blue {
		t.Errorf("without a gate: %d from %s", a.status, a.slice)
	}
	err := h.Route(t.Context())
	if !errors.Is(err, deploy.ErrRouteRefused) {
		t.Fatalf("Route: %v", err)
	}
	testkit.Contains(t, err.Error(), "gate")
	testkit.Must(t, h.Abort(t.Context()))
	if _, slice, err := parted(s.Get(t.Context(), "/")); err != nil || slice != deploy.Blue || blue.count("POST slipped") != 1 {
		t.Errorf("%s answers, %v", slice, err)
	}
}

func TestAConfigurationThatNginxRefusesAfterTheRouteLeavesTheNewSliceServing(t *testing.T) {
	t.Parallel()
	s, blue, green := twoSlices(t, nil)
	h := s.holdTowards(t, green)
	post := s.send(t, http.MethodPost, "/", "held", strings.NewReader("x"))
	waiting(t, h, 1)
	testkit.Must(t, h.Route(t.Context()))
	main := s.settings.conf(routerFile)
	sound, err := os.ReadFile(main)
	testkit.Must(t, err)
	testkit.Must(t, os.WriteFile(main, []byte("nonsense;"), 0o644))
	s.ReloadTimeout = 300 * time.Millisecond
	err = h.Release(t.Context())
	if err == nil {
		t.Fatal("nobody noticed")
	}
	testkit.Contains(t, err.Error(), "nginx refuses it", "nonsense")
	later := s.send(t, http.MethodPost, "/", "later", strings.NewReader("x"))
	for _, answers := range []<-chan answer{post, later} {
		if a := receive(t, answers); a.status != http.StatusOK || a.slice != deploy.Green {
			t.Errorf("%d from %s", a.status, a.slice)
		}
	}

	// The next cutover works as if nothing had been.
	testkit.Must(t, os.WriteFile(main, sound, 0o644))
	s.ReloadTimeout = patience
	s.cutover(t, green, blue)
	if _, slice, err := parted(s.Get(t.Context(), "/")); err != nil || slice != deploy.Blue {
		t.Errorf("%s answers, %v", slice, err)
	}
}

func TestAHoldThatIsNotConfirmedLeavesTheOldSliceServing(t *testing.T) {
	t.Parallel()
	s, blue, green := twoSlices(t, nil)
	hearing := s.Process
	s.Process, s.ReloadTimeout = deaf{hearing}, 200*time.Millisecond
	if _, err := s.Hold(t.Context(), green.route()); err == nil {
		t.Fatal("it was taken for done")
	}
	if a := receive(t, s.send(t, http.MethodPost, "/", "1", strings.NewReader("x"))); a.slice != deploy.Blue {
		t.Errorf("%d from %s", a.status, a.slice)
	}
	s.Process, s.ReloadTimeout = hearing, patience
	s.cutover(t, blue, green)
	testkit.Eventually(t, "a change removes the signs, once no worker knows them", func() bool {
		s.goLive(t, green)
		left, err := filepath.Glob(s.settings.conf(anySign))
		return err == nil && len(left) == 0
	})
}
