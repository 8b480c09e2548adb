package compose

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/moby/buildkit/session/auth"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// pulled builds blue, which here only pulls, and returns the release, what was logged and the error.
func (s *site) pulled() (deploy.Release, string, error) {
	rel, err := s.Build(s.t.Context(), deploy.Blue, s.release(commitA), false, s.log)
	return rel, s.said(), err
}

func TestAnImageIsPulledOnceForAllItsServicesAndItsDigestIsRecorded(t *testing.T) {
	t.Parallel()
	e := patient(t)
	r := openRegistry(t, e)
	digest, other := r.push("team/app:1", 3_000_000), r.push("db:2", 1000)
	s := newSite(t, e, fmt.Sprintf("services: {web: {image: '%[1]s/team/app:1'}, worker: {image: '%[1]s/team/app:1'}, db: {image: '%[1]s/db:2'}, here: {image: %[2]s}}", r.at, debian))
	rel, said, err := s.pulled()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for service, want := range map[string]string{
		"web": r.at + "/team/app@" + digest, "worker": r.at + "/team/app@" + digest, "db": r.at + "/db@" + other,
	} {
		if rel.Digests[service] != want || rel.Images[service] == "" {
			t.Errorf("%s is %s of %s, want %s", service, rel.Images[service], rel.Digests[service], want)
		}
	}
	if _, ok := rel.Digests["here"]; ok {
		t.Errorf("an image from no registry has the digest %s", rel.Digests["here"])
	}
	line := "web, worker: pull " + r.at + "/team/app:1"
	if strings.Count(said, line+"\n") != 1 || strings.Count(said, line+": done in ") != 1 || !strings.Contains(said, "3.0 MB, "+digest) {
		t.Errorf("the log is\n%s", said)
	}
	if _, said, err = s.pulled(); err != nil || said != "" {
		t.Errorf("with all images here the log is %q, %v", said, err)
	}
}

func TestCredentialsComeFromTheConfigFileAndFromHelpers(t *testing.T) {
	t.Parallel()
	e := patient(t)
	r := newRegistry(t, e, helperSecret)
	r.push("team/app:1", 1000)
	for name, config := range map[string]string{
		"auths":       r.auths(r.password),
		"credsStore":  `{"credsStore": "vtest"}`,
		"credHelpers": `{"credHelpers": {"` + r.host + `": "vtest"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			loggedIn(t, e, config)
			s := newSite(t, e, "services: {web: {image: '"+r.at+"/team/app:1'}}")
			rel, said, err := s.pulled()
			if err != nil || rel.Digests["web"] == "" {
				t.Fatalf("%v\n%s", err, said)
			}
			testkit.Must(t, e.removeImage(t.Context(), r.at+"/team/app:1"))

			base := newSite(t, e, "services: {web: {build: {context: ., dockerfile_inline: 'FROM "+r.at+"/team/app:1'}}}")
			if _, said, err := base.pulled(); err != nil {
				t.Errorf("a base image: %v\n%s", err, said)
			}
			forgetImages(t, e, r.at)
		})
	}
}

func TestARefusedLoginSaysWhatToTypeAndKeepsTheSecret(t *testing.T) {
	t.Parallel()
	e := patient(t)
	r := newRegistry(t, e, "right")
	r.push("team/app:1", 1000)
	for name, c := range map[string]struct{ config, want, next string }{
		"wrong":     {r.auths("hunter-two"), "registry " + r.host + " refused the credentials", "docker login " + r.host},
		"missing":   {`{"auths": {}}`, "has no credentials for registry " + r.host, "docker login " + r.host},
		"no helper": {`{"credsStore": "vtest-none"}`, "docker-credential-vtest-none", "PATH"},
		"damaged":   {`{"auths": `, "config.json", "config.json"},
	} {
		t.Run(name, func(t *testing.T) {
			loggedIn(t, e, c.config)
			s := newSite(t, e, "services: {web: {image: '"+r.at+"/team/app:1'}}")
			_, said, err := s.pulled()
			testkit.ErrorContains(t, err, c.want)
			var hint *deploy.HintedError
			if !errors.As(err, &hint) || !strings.Contains(hint.Next, c.next) {
				t.Errorf("the hint is missing: %#v", err)
			}
			if text := said + err.Error() + hint.Next; strings.Contains(text, "hunter-two") || strings.Contains(said, "trying again") {
				t.Errorf("the words are\n%s", text)
			}
		})
	}
}

func TestABaseImageBehindALoginSaysWhatToType(t *testing.T) {
	t.Parallel()
	e := patient(t)
	r := newRegistry(t, e, "right")
	r.push("team/app:1", 1000)
	s := newSite(t, e, "services: {web: {build: {context: ., dockerfile_inline: 'FROM "+r.at+"/team/app:1'}}}")
	for _, config := range []string{`{}`, r.auths("hunter-two")} {
		loggedIn(t, e, config)
		_, said, err := s.pulled()
		testkit.ErrorContains(t, err, "service web: build image", "registry "+r.host)
		var hint *deploy.HintedError
		if !errors.As(err, &hint) || !strings.HasSuffix(hint.Next, "docker login "+r.host) || strings.Contains(said+err.Error(), "hunter-two") {
			t.Errorf("%v\n%s", err, said)
		}
	}
}

func TestCredentialsForBuildKitAreThoseOfItsRegistry(t *testing.T) {
	e := offline(t)
	loggedIn(t, e, `{"auths": {
		"https://index.docker.io/v1/": {"auth": "bWU6cHc="},
		"registry.example": {"auth": "PHRva2VuPjo=", "identitytoken": "a-token"}}}`)
	for host, want := range map[string][2]string{
		"registry-1.docker.io": {"me", "pw"}, "registry.example": {"", "a-token"}, "other.example": {"", ""},
	} {
		got, err := (&buildAuth{engine: e}).Credentials(t.Context(), &auth.CredentialsRequest{Host: host})
		if err != nil || got.Username != want[0] || got.Secret != want[1] {
			t.Errorf("%s has %v, %v", host, got, err)
		}
	}
}

func TestAnImageThatTheRegistryDoesNotHaveIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	e := patient(t)
	r := openRegistry(t, e)
	s := newSite(t, e, "services: {web: {image: '"+r.at+"/none/such-timeout:1'}}")
	_, said, err := s.pulled()
	testkit.ErrorContains(t, err, "service web: image "+r.at+"/none/such-timeout:1 is not on this machine and cannot be pulled", "manifest unknown")
	if strings.Contains(said, "trying again") {
		t.Errorf("the log is\n%s", said)
	}
	testkit.ErrorContains(t, s.Start(t.Context(), deploy.Blue, s.release(commitA), s.log), r.at+"/none/such-timeout:1 is not on this machine")
}

func TestARegistryThatComesBackIsWaitedFor(t *testing.T) {
	t.Parallel()
	e := patient(t)
	r := newRegistry(t, e, "")
	digest := r.push("app:1", 1000)
	r.stop()
	s := newSite(t, e, "services: {web: {image: '"+r.at+"/app:1'}}")
	var refused atomic.Int32
	rel, err := s.Build(t.Context(), deploy.Blue, s.release(commitA), false, func(line string, _ ...deploy.Step) {
		if strings.Contains(line, "connection refused; trying again in") && refused.Add(1) == 2 {
			if err := r.start(); err != nil {
				t.Error(err)
			}
		}
	})
	if err != nil || rel.Digests["web"] != r.at+"/app@"+digest || refused.Load() != 2 {
		t.Errorf("release %v, %v, refused %d times", rel, err, refused.Load())
	}
	r.stop()
	testkit.Must(t, e.removeImage(t.Context(), r.at+"/app:1"))
	_, said, err := s.pulled()
	testkit.ErrorContains(t, err, "connection refused")
	if n := strings.Count(said, "trying again"); n != e.retries.attempts-1 {
		t.Errorf("it was tried again %d times:\n%s", n, said)
	}
}

// inFront serves the registry through a proxy, and returns what the names of the test's images begin with there. Each
// request may be answered before.
func (r *registryServer) inFront(answered func(http.ResponseWriter, *http.Request) bool) (at string) {
	target, err := url.Parse("http://" + r.host)
	testkit.Must(r.t, err)
	proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(target) }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if !answered(w, request) {
			proxy.ServeHTTP(w, request)
		}
	}))
	at = strings.Replace(r.at, r.host, server.Listener.Addr().String(), 1)
	r.t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		forgetImages(r.t, r.engine, at)
	})
	return at
}

func TestARegistryThatIsBusyIsAskedAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
	}{
		"503":          {http.StatusServiceUnavailable, "no"},
		"502":          {http.StatusBadGateway, ""},
		"rate limited": {http.StatusTooManyRequests, `{"errors": [{"code": "TOOMANYREQUESTS", "message": "retry-after: 35.2ms, allowed: 44000/minute"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := patient(t)
			r := openRegistry(t, e)
			r.push("app:1", 1000)
			var manifests atomic.Int32
			at := r.inFront(func(w http.ResponseWriter, request *http.Request) bool {
				if !strings.Contains(request.URL.Path, "/manifests/") || manifests.Add(1) > 2 {
					return false
				}
				w.WriteHeader(c.status)
				io.WriteString(w, c.body)
				return true
			})
			s := newSite(t, e, "services: {web: {image: '"+at+"/app:1'}}")
			if _, said, err := s.pulled(); err != nil || !strings.Contains(said, "trying again in") {
				t.Errorf("%v\n%s", err, said)
			}
		})
	}
}

func TestACancelledPullStopsOnTheEngine(t *testing.T) {
	t.Parallel()
	e := patient(t)
	r := openRegistry(t, e)
	r.push("app:1", 1_000_000)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var gone atomic.Bool
	at := r.inFront(func(w http.ResponseWriter, request *http.Request) bool {
		if !strings.Contains(request.URL.Path, "/blobs/") {
			return false
		}
		w.Header().Set("Content-Length", "1000000000")
		for request.Context().Err() == nil { // a slow download, until the engine goes away
			w.Write(make([]byte, 1000))
			w.(http.Flusher).Flush()
			cancel()
			<-time.After(5 * time.Millisecond)
		}
		gone.Store(true)
		return true
	})
	s := newSite(t, e, "services: {web: {image: '"+at+"/app:1'}}")
	_, err := s.Build(ctx, deploy.Blue, s.release(commitA), false, s.log)
	testkit.ErrorContains(t, err, "pull image "+at+"/app:1: stopped")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	testkit.Eventually(t, "the end of the engine's download", gone.Load)
}

func TestAnImageThatIsPinnedByItsDigestIsPulled(t *testing.T) {
	t.Parallel()
	e := patient(t)
	r := openRegistry(t, e)
	pinned := r.at + "/app@" + r.push("app:1", 1000)
	r.push("app:1", 1000) // the tag has gone on
	s := newSite(t, e, "services: {web: {image: '"+pinned+"'}, again: {image: '"+strings.Replace(pinned, "@", ":1@", 1)+"'}}")
	rel, said, err := s.pulled()
	if err != nil || rel.Digests["web"] != pinned || rel.Digests["again"] != pinned {
		t.Errorf("digests are %v, want %s: %v\n%s", rel.Digests, pinned, err, said)
	}
	if _, said, err = s.pulled(); err != nil || said != "" {
		t.Errorf("a second time: %v\n%s", err, said)
	}
}

func TestASharedServiceThatCanBeBuiltIsPulledWhereARegistryHasIt(t *testing.T) {
	t.Parallel()
	e := patient(t)
	r := openRegistry(t, e)
	r.push("team/tool:1", 1000)
	s := newSite(t, e, "services: {web: {image: x}}")
	s.write("shared.yml", fmt.Sprintf(`
services:
  there: {image: '%[1]s/team/tool:1', scale: 0, build: {context: ., dockerfile_inline: "FROM %[2]s\nRUN exit 9"}}
  missing: {image: '%[1]s/team/none:1', init: true, network_mode: none, command: [sleep, "60"], build: {context: ., dockerfile_inline: "FROM %[2]s"}}
`, r.at, debian))
	if err := s.UpShared(t.Context(), s.log); err != nil {
		t.Fatalf("%v\n%s", err, s.said())
	}
	said := s.said()
	for _, want := range []string{"there: pull " + r.at + "/team/tool:1: done in ", "missing: pull " + r.at + "/team/none:1: it cannot be pulled and is built"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not told:\n%s", want, said)
		}
	}
}
