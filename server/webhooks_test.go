package server_test

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
	"verdigris/server"
)

// hookError is what a receiver of webhooks refuses with.
type hookError struct {
	status int
	text   string
}

func (e *hookError) Error() string   { return e.text }
func (e *hookError) StatusCode() int { return e.status }

func signature(body string) string {
	mac := hmac.New(sha256.New, []byte("secret"))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// signedHook is a receiver as simple as can be: a signature, then JSON with what to do.
func signedHook(header http.Header, body []byte) (server.HookResult, error) {
	if !hmac.Equal([]byte(header.Get("X-Hub-Signature-256")), []byte(signature(string(body)))) {
		return server.HookResult{}, &hookError{http.StatusUnauthorized, "the signature is wrong"}
	}
	var payload struct{ Commit, Ignored, Crash string }
	if err := json.Unmarshal(body, &payload); err != nil {
		return server.HookResult{}, &hookError{http.StatusBadRequest, "the payload is not JSON"}
	}
	if payload.Crash != "" {
		return server.HookResult{}, fmt.Errorf("internals: %s", payload.Crash)
	}
	return server.HookResult{
		Ping: header.Get("X-GitHub-Event") == "ping", Ignored: payload.Ignored,
		Push: deploy.Push{Forge: "github", Delivery: header.Get("X-GitHub-Delivery"), Commit: deploy.Commit(payload.Commit)},
	}, nil
}

func withHook(s *service) {
	s.Hooks = map[string]map[string]server.Hook{"github": {"shop": signedHook}}
}

func (s *service) delivery(path, body string, headers ...string) answer {
	s.t.Helper()
	headers = append([]string{"Authorization:", "X-GitHub-Delivery: d1", "X-Hub-Signature-256: " + signature(body)}, headers...)
	return s.request("POST", path, body, headers...)
}

const pushBody = `{"commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}`

func TestADeliveryIsQueued(t *testing.T) {
	s := start(t, withHook)
	for _, path := range []string{"/webhooks/github", "/webhooks/github/shop"} {
		a := s.delivery(path, pushBody).want(http.StatusAccepted, `"result":"accepted"`, `"deployment":{"id":8`)
		if got := s.controller.last().(deploy.Push); got.Commit != commitA || got.Delivery != "d1" || a.Header.Get("Location") != "/deployments/8" {
			t.Errorf("%s: pushed %+v, Location %q", path, got, a.Header.Get("Location"))
		}
	}
}

func TestDeliveriesWithNothingNewAreAnsweredWell(t *testing.T) {
	s := start(t, withHook)
	s.delivery("/webhooks/github", `{}`, "X-GitHub-Event: ping").want(200, `"result":"ping"`)
	s.delivery("/webhooks/github", `{"ignored":"branch docs is not deployed"}`).want(200, `"result":"ignored"`, `"reason":"branch docs is not deployed"`)
	if got := s.controller.last(); got != nil {
		t.Errorf("the controller was asked for %+v", got)
	}
	s.controller.push = func(context.Context, string, deploy.Push) (deploy.Outcome, error) {
		return deploy.Outcome{Deployment: full("shop"), Duplicate: true}, nil
	}
	var outcome deploy.Outcome // what our command line reads
	s.delivery("/webhooks/github", pushBody).want(200, `"result":"duplicate"`).decode(&outcome)
	if !outcome.Duplicate || outcome.Deployment.ID != 7 {
		t.Errorf("got %+v", outcome)
	}
}

func TestDeliveriesThatAreRefused(t *testing.T) {
	s := start(t, withHook)
	good := signature(pushBody)
	for name, c := range map[string]struct {
		path, body string
		header     string
		status     int
	}{
		"a wrong signature":               {"/webhooks/github", pushBody, "X-Hub-Signature-256: " + signature("other"), 401},
		"no signature":                    {"/webhooks/github", pushBody, "X-Hub-Signature-256:", 401},
		"a signature cut short":           {"/webhooks/github", pushBody, "X-Hub-Signature-256: " + good[:len(good)-2], 401},
		"the prefix of a signature alone": {"/webhooks/github", pushBody, "X-Hub-Signature-256: sha256=", 401},
		"a body that was changed":         {"/webhooks/github", pushBody + " ", "X-Hub-Signature-256: " + good, 401},
		"a body that is not JSON":         {"/webhooks/github", "hello", "X-GitHub-Event: push", 400},
		"an app that does not exist":      {"/webhooks/github/nobody", pushBody, "X-GitHub-Event: push", 404},
		"an app without a webhook":        {"/webhooks/github/blog", pushBody, "X-GitHub-Event: push", 404},
		"a forge that we do not know":     {"/webhooks/sourceforge", pushBody, "X-GitHub-Event: push", 404},
		"a receiver that fails":           {"/webhooks/github", `{"crash":"topsecret"}`, "X-GitHub-Event: push", 500},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.delivery(c.path, c.body, c.header).want(c.status)
			if strings.Contains(string(a.body), "topsecret") {
				t.Errorf("internals are in the answer: %s", a.body)
			}
		})
	}
	if got := s.controller.last(); got != nil {
		t.Errorf("the controller was asked for %+v", got)
	}
}

func TestAStrangerLearnsNoNamesOfApps(t *testing.T) {
	s := start(t, withHook)
	strip := func(path string) string {
		a := s.request("POST", path, "{}", "Authorization:", "X-Request-Id: same").want(404)
		return strings.ReplaceAll(string(a.body), path, "PATH")
	}
	if one, other := strip("/webhooks/github/blog"), strip("/never/heard"); one != other {
		t.Errorf("got %s\nand %s", one, other)
	}
}

func TestABodyOverTheLimitIsRefusedBeforeTheSignature(t *testing.T) {
	s := start(t, withHook, func(s *service) {
		s.MaxDelivery = 2000
		s.Hooks["github"]["shop"] = func(http.Header, []byte) (server.HookResult, error) {
			t.Error("the signature of a body over the limit was looked at")
			return server.HookResult{}, nil
		}
	})
	s.delivery("/webhooks/github", strings.Repeat("x", 2001)).want(http.StatusRequestEntityTooLarge, "too-large")

	chunked, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/webhooks/github", io.MultiReader(strings.NewReader(strings.Repeat("x", 2001))))
	check(t, err)
	s.do(http.DefaultClient, chunked).want(http.StatusRequestEntityTooLarge)
}

func TestABodyThatIsAnnouncedTooLargeIsNotReadAtAll(t *testing.T) {
	s := start(t, withHook)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	check(t, err)
	defer conn.Close()
	check(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = fmt.Fprintf(conn, "POST /webhooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", 25<<20+1)
	check(t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	check(t, err)
	defer response.Body.Close()
	if response.StatusCode != http.StatusRequestEntityTooLarge || !response.Close {
		t.Errorf("got %s, close %v", response.Status, response.Close)
	}
}

func TestABodyOfExactlyTheLimitPasses(t *testing.T) {
	s := start(t, withHook)
	body := pushBody + strings.Repeat(" ", 25<<20-len(pushBody))
	s.delivery("/webhooks/github", body).want(http.StatusAccepted)
}

func TestABodyThatBreaksOffIsNoPush(t *testing.T) {
	s := start(t, withHook)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	check(t, err)
	_, err = fmt.Fprintf(conn, "POST /webhooks/github HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: %s\r\nContent-Length: 100\r\n\r\n%s", signature(pushBody), pushBody)
	check(t, err)
	check(t, conn.Close())
	testkit.Eventually(t, "the request is logged", func() bool { return strings.Contains(s.log.String(), `"path":"/webhooks/github"`) })
	if got := s.controller.last(); got != nil {
		t.Errorf("the controller was asked for %+v", got)
	}
}

func TestLargeBodiesWaitForAPlace(t *testing.T) {
	inside, leave := make(chan struct{}), make(chan struct{})
	s := start(t, withHook, func(s *service) {
		s.Hooks["github"]["shop"] = func(_ http.Header, body []byte) (server.HookResult, error) {
			if len(body) > 1<<20 {
				inside <- struct{}{}
				<-leave
			}
			return server.HookResult{Ping: true}, nil
		}
	})
	large := strings.Repeat("x", 1<<20+1)
	done := make(chan int)
	for range 4 {
		go func() { done <- s.delivery("/webhooks/github", large).StatusCode }()
		<-inside
	}
	if a := s.delivery("/webhooks/github", large).want(http.StatusServiceUnavailable); a.Header.Get("Retry-After") == "" {
		t.Error("503 came without Retry-After")
	}
	s.delivery("/webhooks/github", "small").want(200)
	close(leave)
	for range 4 {
		if status := <-done; status != 200 {
			t.Errorf("a large delivery in time got %d", status)
		}
	}
}

func TestAFullQueueAsksTheForgeToComeBack(t *testing.T) {
	s := start(t, withHook)
	s.controller.err = deploy.ErrQueueFull
	if a := s.delivery("/webhooks/github", pushBody).want(http.StatusServiceUnavailable); a.Header.Get("Retry-After") == "" {
		t.Error("503 came without Retry-After")
	}
}

func TestAForgeThatHangsUpDoesNotCallThePushOff(t *testing.T) {
	asked, result := make(chan struct{}), make(chan error, 1)
	s := start(t, withHook)
	hungUp, hangUp := context.WithCancel(t.Context())
	s.controller.push = func(ctx context.Context, app string, _ deploy.Push) (deploy.Outcome, error) {
		close(asked)
		<-hungUp.Done()
		select {
		case <-ctx.Done():
			result <- ctx.Err()
		case <-time.After(100 * time.Millisecond): // long enough for the server to notice
			result <- nil
		}
		return deploy.Outcome{Deployment: queued(app)}, nil
	}
	r, err := http.NewRequestWithContext(hungUp, http.MethodPost, s.url+"/webhooks/github", strings.NewReader(pushBody))
	check(t, err)
	r.Header.Set("X-Hub-Signature-256", signature(pushBody))
	go func() {
		<-asked
		hangUp()
	}()
	if response, err := http.DefaultClient.Do(r); err == nil {
		response.Body.Close()
		t.Fatal("the forge was meant to hang up")
	}
	check(t, <-result)
}

func BenchmarkDelivery(b *testing.B) {
	c := &fakeController{push: func(_ context.Context, app string, _ deploy.Push) (deploy.Outcome, error) {
		return deploy.Outcome{Deployment: queued(app)}, nil
	}}
	s := server.New(c)
	s.Hooks = map[string]map[string]server.Hook{"github": {"shop": signedHook}}
	body := `{"commit":"` + strings.Repeat("a", 40) + `","padding":"` + strings.Repeat("x", 10<<10) + `"}`
	sum := signature(body)
	handler := s.Handler()
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/webhooks/github", strings.NewReader(body))
		r.Header.Set("X-Hub-Signature-256", sum)
		w := httptest.NewRecorder()
		if handler.ServeHTTP(w, r); w.Code != http.StatusAccepted {
			b.Fatal(w.Code, w.Body)
		}
		c.asked = c.asked[:0]
	}
}
