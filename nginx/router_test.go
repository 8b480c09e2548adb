package nginx

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"verdigris/deploy"

	"verdigris/internal/testkit"
)

func TestASiteWithNothingLiveAnswers503WithAPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	response, err := http.Get(s.url + "/")
	testkit.Must(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	testkit.Must(t, err)
	if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
		t.Errorf("status %d, Retry-After %q", response.StatusCode, response.Header.Get("Retry-After"))
	}
	testkit.Contains(t, string(body), "Nothing is live yet")
	route, err := s.Current(t.Context())
	testkit.Must(t, err)
	if route.Slice != "" {
		t.Errorf("%s is live", route.Slice)
	}
}

func TestApplyRoutesAndCurrentReadsItAfterARestart(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	blue, green := newBackend(t, deploy.Blue, nil), newBackend(t, deploy.Green, nil)
	s.goLive(t, blue)
	s.goLive(t, green)
	status, slice, err := parted(s.Get(t.Context(), "/health"))
	testkit.Must(t, err)
	if status != http.StatusOK || slice != deploy.Green {
		t.Errorf("%d from %q", status, slice)
	}
	again, err := New(s.settings, s.Process, s.Clients)
	testkit.Must(t, err)
	route, err := again.Current(t.Context())
	testkit.Must(t, err)
	if route.Slice != deploy.Green || route.Previous != deploy.Blue || route.Commit != commitA || route.Generation != 2 ||
		len(route.Endpoints) != 1 || route.Endpoints[0] != green.endpoint() {
		t.Errorf("the route is %+v", route)
	}
	prepared, err := again.Prepare(t.Context())
	testkit.Must(t, err)
	if prepared != (Prepared{}) {
		t.Errorf("preparing a running site changed something: %+v", prepared)
	}
}

func TestPrepareSaysThatTheEdgeNeedsAReload(t *testing.T) {
	t.Parallel()
	s := newStoppedSite(t)
	settings := s.settings
	settings.Edge.Listen = append(settings.Edge.Listen, Listen{Address: "127.0.0.1:1"})
	changed, err := New(settings, s.Process, s.Clients)
	testkit.Must(t, err)
	prepared, err := changed.Prepare(t.Context())
	testkit.Must(t, err)
	if !prepared.EdgeChanged {
		t.Errorf("prepared is %+v", prepared)
	}
}

func TestARefusedConfigurationCarriesNginxsWordsAndChangesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	blue := newBackend(t, deploy.Blue, nil)
	s.goLive(t, blue)
	before, err := os.ReadFile(s.settings.conf(upstreamFile))
	testkit.Must(t, err)
	bad := deploy.Route{Slice: deploy.Green, Endpoints: []deploy.Endpoint{{Container: "web", Address: "no-such-host.invalid:80"}}}
	err = s.Apply(t.Context(), bad)
	if err == nil {
		t.Fatal("it was taken")
	}
	testkit.Contains(t, err.Error(), "nginx refuses it", "host not found in upstream")
	if _, err := s.Hold(t.Context(), bad); err == nil {
		t.Error("a hold towards it was opened")
	}
	after, err := os.ReadFile(s.settings.conf(upstreamFile))
	testkit.Must(t, err)
	if string(before) != string(after) {
		t.Error("the upstream file has changed")
	}
	if left, err := filepath.Glob(s.settings.conf("*candidate*")); err != nil || len(left) > 0 {
		t.Errorf("candidates were left behind: %v %v", left, err)
	}
	if _, slice, err := parted(s.Get(t.Context(), "/")); err != nil || slice != deploy.Blue {
		t.Errorf("%s answers, %v", slice, err)
	}
}

func TestRoutesThatCannotTakeTrafficAreRefused(t *testing.T) {
	t.Parallel()
	s := newStoppedSite(t)
	for name, route := range map[string]deploy.Route{
		"staging":      {Slice: deploy.Staging, Endpoints: []deploy.Endpoint{{Address: "127.0.0.1:80"}}},
		"no endpoint":  {Slice: deploy.Blue},
		"no port":      {Slice: deploy.Blue, Endpoints: []deploy.Endpoint{{Address: "127.0.0.1"}}},
		"a directive":  {Slice: deploy.Blue, Endpoints: []deploy.Endpoint{{Address: "127.0.0.1; } server { listen 1:80"}}},
		"a line break": {Slice: deploy.Blue, Endpoints: []deploy.Endpoint{{Address: "a\nb:80"}}},
	} {
		var input *deploy.InputError
		if err := s.Apply(t.Context(), route); !errors.As(err, &input) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// deaf never hears a reload: what a real nginx does only when its master hangs.
type deaf struct{ Process }

func (deaf) Reload(context.Context) error { return nil }

func TestAReloadThatIsNotConfirmedPutsTheFileBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	blue, green := newBackend(t, deploy.Blue, nil), newBackend(t, deploy.Green, nil)
	s.goLive(t, blue)
	before, err := os.ReadFile(s.settings.conf(upstreamFile))
	testkit.Must(t, err)
	s.Process, s.ReloadTimeout = deaf{s.Process}, time.Second
	err = s.Apply(t.Context(), green.route())
	if err == nil {
		t.Fatal("it was taken for done")
	}
	testkit.Contains(t, err.Error(), "was not confirmed", "still answers as generation 1", "finds no fault")
	after, err := os.ReadFile(s.settings.conf(upstreamFile))
	testkit.Must(t, err)
	if string(before) != string(after) {
		t.Error("the file before is not back")
	}
	_, slice, err := parted(s.Get(t.Context(), "/"))
	testkit.Must(t, err)
	if slice != deploy.Blue {
		t.Errorf("%s answers", slice)
	}
}

func TestAKilledRouterIsToldAndStartsOverItsLeftovers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	blue, green := newBackend(t, deploy.Blue, nil), newBackend(t, deploy.Green, nil)
	s.goLive(t, blue)
	s.router.kill()
	if _, err := os.Stat(s.settings.run("router.sock")); err != nil {
		t.Fatalf("a killed nginx should leave its socket behind: %v", err)
	}
	err := s.Apply(t.Context(), green.route())
	var hint *deploy.HintedError
	if !errors.Is(err, ErrNotRunning) || !errors.As(err, &hint) {
		t.Fatalf("no hint in: %v", err)
	}
	testkit.Contains(t, hint.Next, "verdigris up")
	status, _, err := parted(s.Get(t.Context(), "/"))
	testkit.Must(t, err)
	if status != http.StatusBadGateway {
		t.Errorf("the edge alone answers %d", status)
	}
	s.startRouter(t)
	_, slice, err := parted(s.Get(t.Context(), "/"))
	testkit.Must(t, err)
	if slice != deploy.Blue {
		t.Errorf("after the start %q answers", slice)
	}
}

func TestADeadContainerOfAScaledServiceFailsNoRequest(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	one, two := newBackend(t, deploy.Blue, nil), newBackend(t, deploy.Blue, nil)
	route := one.route()
	route.Endpoints = append(route.Endpoints, two.endpoint(), deploy.Endpoint{Container: "dead", Address: testkit.FreeAddress(t)})
	testkit.Must(t, s.Apply(t.Context(), route))
	for range 30 {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if a := receive(t, s.send(t, method, "/", "scaled", strings.NewReader("body"))); a.status != http.StatusOK {
				t.Fatalf("%s: %d", method, a.status)
			}
		}
	}
	for i, b := range []*backend{one, two} {
		if b.count("POST scaled") == 0 || b.count("GET scaled") == 0 {
			t.Errorf("container %d got nothing", i+1)
		}
	}
}

func TestWhatIsNotIdempotentIsNeverSentTwice(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	drop := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	one, two := newBackend(t, deploy.Blue, drop), newBackend(t, deploy.Blue, drop)
	route := one.route()
	route.Endpoints = append(route.Endpoints, two.endpoint())
	testkit.Must(t, s.Apply(t.Context(), route))
	for _, method := range []string{"POST", "PATCH", "FROBNICATE"} {
		a := receive(t, s.send(t, method, "/", method, strings.NewReader("body")))
		if a.status != http.StatusBadGateway {
			t.Errorf("%s: %d", method, a.status)
		}
		testkit.Contains(t, a.body, "does not answer")
		if n := one.count(method+" "+method) + two.count(method+" "+method); n != 1 {
			t.Errorf("%s was sent %d times", method, n)
		}
		// The containers count as failed for two seconds now; make them new ones for the next method.
		testkit.Must(t, s.Apply(t.Context(), route))
	}
}

func TestGetSaysWhatToDoAboutAnEdgeThatDoesNotRun(t *testing.T) {
	t.Parallel()
	s := newStoppedSite(t)
	_, _, err := parted(s.Get(t.Context(), "/health"))
	var hint *deploy.HintedError
	if !errors.As(err, &hint) {
		t.Fatalf("no hint in: %v", err)
	}
	testkit.Contains(t, err.Error(), "get /health through the edge", "connection refused")
}
