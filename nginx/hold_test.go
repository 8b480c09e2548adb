package nginx

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"verdigris/deploy"

	"verdigris/internal/testkit"
)

// twoSlices returns a site with blue live and green beside it.
func twoSlices(t testing.TB, handler http.HandlerFunc) (s *site, blue, green *backend) {
	t.Helper()
	s = newSite(t)
	blue, green = newBackend(t, deploy.Blue, handler), newBackend(t, deploy.Green, handler)
	s.goLive(t, blue)
	return s, blue, green
}

func (s *site) holdTowards(t *testing.T, b *backend) deploy.Hold {
	t.Helper()
	h, err := s.Hold(t.Context(), b.route())
	testkit.Must(t, err)
	t.Cleanup(func() { _ = h.Abort(background(t)) }) // for a test that failed half-way
	return h
}

// digest answers with what arrived: the request line, a header, the length and the hash of the body.
func digest(w http.ResponseWriter, r *http.Request) {
	hash := sha256.New()
	n, err := io.Copy(hash, r.Body)
	if err == nil {
		fmt.Fprintf(w, "%s %s %s %s %d %x", r.Method, r.RequestURI, r.Header.Get("X-Id"), r.Host, n, hash.Sum(nil))
	}
}

func TestHeldBodiesAreReplayedIntactToTheNewSlice(t *testing.T) {
	t.Parallel()
	s, blue, green := twoSlices(t, digest)
	h := s.holdTowards(t, green)
	body := make([]byte, 3<<20)
	for i := range body {
		body[i] = byte(rand.Uint32())
	}
	const path = "/up%2Fload/a%20b?x=1&y=%26"
	reader := func() io.Reader { return strings.NewReader(string(body)) }
	known := s.send(t, http.MethodPost, path, "known", reader())
	chunked := s.send(t, http.MethodPost, path, "chunked", io.MultiReader(reader()))
	get := s.send(t, http.MethodGet, path, "get", nil)
	deleted := s.send(t, http.MethodDelete, path, "deleted", nil)
	waiting(t, h, 4)
	left, err := h.Drain(t.Context(), patience)
	testkit.Must(t, err)
	if left != 0 {
		t.Errorf("%d requests are left", left)
	}
	testkit.Must(t, h.Route(t.Context()))
	testkit.Must(t, h.Release(t.Context()))
	held, longest := h.Waited()
	if held != 4 || longest <= 0 {
		t.Errorf("%d waited, %s at the longest", held, longest)
	}
	for id, want := range map[string]struct {
		answers <-chan answer
		method  string
		body    []byte
	}{"known": {known, "POST", body}, "chunked": {chunked, "POST", body}, "get": {get, "GET", nil}, "deleted": {deleted, "DELETE", nil}} {
		a := receive(t, want.answers)
		line := fmt.Sprintf("%s %s %s %s %d %x", want.method, path, id, s.addr, len(want.body), sha256.Sum256(want.body))
		if a.status != http.StatusOK || a.slice != deploy.Green || a.body != line {
			t.Errorf("%s: %d from %s: %s", id, a.status, a.slice, a.body)
		}
		if blue.count(want.method+" "+id) != 0 || green.count(want.method+" "+id) != 1 {
			t.Errorf("%s reached blue %d and green %d times", id, blue.count(want.method+" "+id), green.count(want.method+" "+id))
		}
	}
	if _, err := os.Stat(s.settings.run(gateSocket)); !errors.Is(err, os.ErrNotExist) {
		t.Error("the gate's socket was left behind")
	}
}

func TestAbortSendsWhatWaitedToTheOldSlice(t *testing.T) {
	t.Parallel()
	s, _, green := twoSlices(t, nil)
	h := s.holdTowards(t, green)
	post := s.send(t, http.MethodPost, "/", "1", strings.NewReader("x"))
	waiting(t, h, 1)
	route, err := s.Current(t.Context())
	testkit.Must(t, err)
	if route.Slice != deploy.Blue {
		t.Errorf("during the hold %s is live", route.Slice)
	}
	testkit.Must(t, h.Abort(t.Context()))
	if a := receive(t, post); a.status != http.StatusOK || a.slice != deploy.Blue {
		t.Errorf("%d from %s", a.status, a.slice)
	}
	if held, longest := h.Waited(); held != 1 || longest <= 0 {
		t.Errorf("%d waited, %s at the longest", held, longest)
	}
	testkit.Must(t, h.Abort(t.Context())) // again is harmless
	if err := h.Route(t.Context()); err == nil {
		t.Error("routed after the end")
	}
	s.goLive(t, green) // the router is free again
}

func TestAbortAfterRouteGoesBack(t *testing.T) {
	t.Parallel()
	s, blue, green := twoSlices(t, nil)
	h := s.holdTowards(t, green)
	post := s.send(t, http.MethodPost, "/", "1", strings.NewReader("x"))
	waiting(t, h, 1)
	testkit.Must(t, h.Route(t.Context()))
	testkit.Must(t, h.Abort(t.Context()))
	if a := receive(t, post); a.slice != deploy.Blue || blue.count("POST 1") != 1 || green.count("POST 1") != 0 {
		t.Errorf("%d from %s", a.status, a.slice)
	}
}

func TestAHoldThatLastsTooLongIsCalledOff(t *testing.T) {
	t.Parallel()
	s, _, green := twoSlices(t, nil)
	s.HoldTimeout = 500 * time.Millisecond
	h := s.holdTowards(t, green)
	if a := receive(t, s.send(t, http.MethodPost, "/", "1", strings.NewReader("x"))); a.slice != deploy.Blue {
		t.Errorf("%d from %s", a.status, a.slice)
	}
	testkit.Eventually(t, "the limit has passed", func() bool { return h.(*hold).gate.left() < 0 })
	err := h.Route(t.Context())
	if !errors.Is(err, errCalledOff) {
		t.Fatalf("Route: %v", err)
	}
	testkit.Contains(t, err.Error(), "500ms")
	testkit.Must(t, h.Abort(t.Context()))
	if _, slice, err := parted(s.Get(t.Context(), "/")); err != nil || slice != deploy.Blue {
		t.Errorf("%s answers, %v", slice, err)
	}
}

func TestAHoldWithTooManyWaitingIsCalledOff(t *testing.T) {
	t.Parallel()
	s, _, green := twoSlices(t, nil)
	s.MaxHeld = 3
	h := s.holdTowards(t, green)
	var posts []<-chan answer
	for i := range 4 {
		posts = append(posts, s.send(t, http.MethodPost, "/", fmt.Sprint(i), strings.NewReader("x")))
	}
	for _, post := range posts {
		if a := receive(t, post); a.status != http.StatusOK || a.slice != deploy.Blue {
			t.Errorf("%d from %s", a.status, a.slice)
		}
	}
	if err := h.Route(t.Context()); !errors.Is(err, errCalledOff) {
		t.Fatalf("Route: %v", err)
	}
	testkit.Must(t, h.Abort(t.Context()))
}

func TestAClientThatGivesUpNoLongerCounts(t *testing.T) {
	t.Parallel()
	s, blue, green := twoSlices(t, nil)
	h := s.holdTowards(t, green)
	client := &http.Client{Timeout: 300 * time.Millisecond}
	if _, err := client.Get(s.url + "/"); err == nil {
		t.Fatal("the request did not wait")
	}
	waiting(t, h, 0)
	testkit.Must(t, h.Route(t.Context()))
	testkit.Must(t, h.Release(t.Context()))
	if n := blue.count("GET ") + green.count("GET "); n != 0 {
		t.Errorf("the request was sent %d times all the same", n)
	}
}

func TestDrainWaitsForRequestsThatWereThereBefore(t *testing.T) {
	t.Parallel()
	began, finish := make(chan struct{}), make(chan struct{})
	s, _, green := twoSlices(t, func(w http.ResponseWriter, r *http.Request) {
		close(began)
		<-finish
		fmt.Fprint(w, "done")
	})
	slow := s.send(t, http.MethodPost, "/", "slow", strings.NewReader("x"))
	<-began
	h := s.holdTowards(t, green)
	left, err := h.Drain(t.Context(), 200*time.Millisecond)
	testkit.Must(t, err)
	if left != 1 {
		t.Errorf("%d requests are left", left)
	}
	close(finish)
	left, err = h.Drain(t.Context(), patience)
	testkit.Must(t, err)
	if a := receive(t, slow); left != 0 || a.body != "done" {
		t.Errorf("%d requests are left, this one got %q", left, a.body)
	}
}

func TestAThousandRequestsThatWaitedAllSucceed(t *testing.T) {
	t.Parallel()
	s, blue, green := twoSlices(t, nil)
	s.MaxHeld = 1000
	h := s.holdTowards(t, green)
	var answers []<-chan answer
	for i := range s.MaxHeld {
		answers = append(answers, s.send(t, []string{"POST", "GET", "HEAD"}[i%3], "/", fmt.Sprint(i), strings.NewReader("body")))
	}
	waiting(t, h, s.MaxHeld)
	testkit.Must(t, h.Route(t.Context()))
	testkit.Must(t, h.Release(t.Context()))
	if held, _ := h.Waited(); held != s.MaxHeld {
		t.Errorf("%d waited", held)
	}
	for i, c := range answers {
		a := receive(t, c)
		id := []string{"POST", "GET", "HEAD"}[i%3] + " " + fmt.Sprint(i)
		if a.status != http.StatusOK || a.slice != deploy.Green || green.count(id) != 1 || blue.count(id) != 0 {
			t.Errorf("%s: %d from %s", id, a.status, a.slice)
		}
	}
}

func TestASecondHoldAndApplyAreRefusedMeanwhile(t *testing.T) {
	t.Parallel()
	s, blue, green := twoSlices(t, nil)
	s.holdTowards(t, green)
	var conflict *deploy.ConflictError
	if _, err := s.Hold(t.Context(), green.route()); !errors.As(err, &conflict) {
		t.Errorf("Hold: %v", err)
	}
	if err := s.Apply(t.Context(), blue.route()); !errors.As(err, &conflict) {
		t.Errorf("Apply: %v", err)
	}
}

func TestRouteThatIsNotConfirmedKeepsRequestsWaiting(t *testing.T) {
	t.Parallel()
	s, _, green := twoSlices(t, nil)
	h := s.holdTowards(t, green)
	post := s.send(t, http.MethodPost, "/", "1", strings.NewReader("x"))
	waiting(t, h, 1)
	unveil := s.veilAfter(t, h)
	s.ReloadTimeout = 200 * time.Millisecond
	if err := h.Route(t.Context()); err == nil || errors.Is(err, deploy.ErrRouteRefused) {
		t.Fatalf("Route: %v", err)
	}
	waiting(t, h, 1)
	if route, err := s.Current(t.Context()); err != nil || route.Slice != deploy.Blue {
		t.Errorf("the truth is %s, %v", route.Slice, err)
	}
	unveil()
	s.ReloadTimeout = patience
	testkit.Must(t, h.Route(t.Context())) // a second try may succeed
	testkit.Must(t, h.Release(t.Context()))
	if a := receive(t, post); a.slice != deploy.Green {
		t.Errorf("%d from %s", a.status, a.slice)
	}
}

func TestRouteThatFailsLateKeepsRequestsWaitingUntilDataIsCarriedBack(t *testing.T) {
	t.Parallel()
	s, _, green := twoSlices(t, nil)
	s.HoldTimeout = 2 * time.Second
	h := s.holdTowards(t, green)
	post := s.send(t, http.MethodPost, "/", "1", strings.NewReader("x"))
	waiting(t, h, 1)
	unveil := s.veilAfter(t, h)
	s.ReloadTimeout = 1500 * time.Millisecond // and as long again to take it back
	if err := h.Route(t.Context()); err == nil || errors.Is(err, deploy.ErrRouteRefused) {
		t.Fatalf("Route: %v", err)
	}
	waiting(t, h, 1)
	unveil()
	s.ReloadTimeout = patience
	testkit.Must(t, h.Abort(t.Context()))
	if a := receive(t, post); a.slice != deploy.Blue {
		t.Errorf("%d from %s", a.status, a.slice)
	}
}
