package nginx

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// probed asks the address through the router.
func (s *site) probed(t *testing.T, method, url, body string) (*http.Response, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	testkit.Must(t, err)
	request.Header.Set("X-Question", "kept")
	response, err := s.RoundTrip(request)
	if err == nil {
		t.Cleanup(func() { response.Body.Close() })
	}
	return response, err
}

func TestRouterRoundTrip_ContainerThatAnswers_GetsTheRequestAsItWasWritten(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set(probeHeader, "502 -") // what a container says of itself does not count
		w.Header().Set("X-Accel-Redirect", "/generation")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s %s %s %s %s", r.Method, r.RequestURI, r.Host, r.Header.Get("X-Question"), body)
	}))
	t.Cleanup(app.Close)
	host := strings.TrimPrefix(app.URL, "http://")
	for _, test := range []struct{ method, path, body string }{
		{"GET", "/health", ""},
		{"POST", "/a%20b/%2e%2e/c?x=1&y=%2F", "a body"},
		{"GET", "/generation", ""},
		{"PURGE", "//double/", ""},
	} {
		response, err := s.probed(t, test.method, app.URL+test.path, test.body)
		if err != nil {
			t.Errorf("%s %s: %v", test.method, test.path, err)
			continue
		}
		body, err := io.ReadAll(response.Body)
		testkit.Must(t, err)
		want := fmt.Sprintf("%s %s %s kept %s", test.method, test.path, host, test.body)
		if response.StatusCode != http.StatusTeapot || string(body) != want || response.Header.Get(probeHeader) != "" {
			t.Errorf("status %d, %q; want %q", response.StatusCode, body, want)
		}
	}
}

func TestRouterRoundTrip_AppsOwnErrors_AreAnswers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, status := range []int{404, 500, 502, 504} {
		app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		t.Cleanup(app.Close)
		if response, err := s.probed(t, "GET", app.URL+"/", ""); err != nil || response.StatusCode != status {
			t.Errorf("for status %d: %v", status, err)
		}
	}
}

func TestRouterRoundTrip_NobodyThere_SaysWhatTheRouterFound(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	closed := testkit.FreeAddress(t)
	_, err := s.probed(t, "GET", "http://"+closed+"/health", "")
	if unreached := (*deploy.UnreachedError)(nil); !errors.As(err, &unreached) || unreached.Address != closed {
		t.Errorf("the error is %v", err)
	}
	testkit.ErrorContains(t, err, "cannot connect to "+closed, "refused")

	hangsUp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close()
		}
	}))
	t.Cleanup(hangsUp.Close)
	_, err = s.probed(t, "GET", hangsUp.URL, "")
	if errors.As(err, new(*deploy.UnreachedError)) {
		t.Errorf("a connection that was made and ended is said to be none: %v", err)
	}
	testkit.ErrorContains(t, err, "without an answer")

	_, err = s.probed(t, "GET", "http://no_port/health", "")
	testkit.ErrorContains(t, err, "no_port")
}

func TestRouterRoundTrip_RouterWithAnOlderConfiguration_TakesUpTheNewOne(t *testing.T) {
	t.Parallel()
	s := newStoppedSite(t)
	file := s.settings.conf(upstreamFile)
	now := testkit.Read(t, file)
	before, rest, _ := strings.Cut(now, "    # Asks a container")
	_, after, _ := strings.Cut(rest, "    location / { return 404; }")
	testkit.Write(t, file, before+"    location / { return 404; }"+after)
	s.startRouter(t)
	testkit.Write(t, file, now)

	app := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(app.Close)
	response, err := s.probed(t, "GET", app.URL+"/", "")
	if err != nil || response.StatusCode != http.StatusNotFound {
		t.Errorf("the app's answer is %v, %v", response, err)
	}
}

func TestRouterRoundTrip_RouterThatIsDown_SaysHowToStartIt(t *testing.T) {
	t.Parallel()
	s := newStoppedSite(t)
	_, err := s.probed(t, "GET", "http://127.0.0.1:1/", "")
	testkit.ErrorContains(t, err, "router")
}
