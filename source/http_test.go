package source

import (
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"verdigris/deploy"
)

// gitServer serves a repository over smart HTTP, as forges do, with git's own http-backend(1).
type gitServer struct {
	*httptest.Server
	user, token string // asked for unless token is empty
	old         bool   // speaks protocol version 0, which does not hand out single commits
	requests    atomic.Int64
}

func (u *upstream) serve(s *gitServer) *gitServer {
	u.t.Helper()
	return u.serveWith(s, httptest.NewServer)
}

func (u *upstream) serveWith(s *gitServer, start func(http.Handler) *httptest.Server) *gitServer {
	u.t.Helper()
	backend := &cgi.Handler{
		Path:   filepath.Join(u.git("--exec-path"), "git-http-backend"),
		Stderr: io.Discard,
		Env:    []string{"GIT_PROJECT_ROOT=" + filepath.Dir(u.dir), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null"},
	}
	s.Server = start(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		s.requests.Add(1)
		if user, token, _ := request.BasicAuth(); s.token != "" && (user != s.user || token != s.token) {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		if s.old {
			request.Header.Del("Git-Protocol")
		}
		backend.ServeHTTP(w, request)
	}))
	u.t.Cleanup(s.Close)
	return s
}

func (s *gitServer) remote() Remote { return Remote{URL: s.URL + "/upstream"} }

func TestFetchOverHTTP(t *testing.T) {
	u := newUpstream(t)
	first := u.commit("Start", "colour", "white")
	second := u.commit("Go on", "colour", "blue")
	r := open(t, u.serve(&gitServer{}).remote())
	if head, err := r.Resolve(testContext(t), "main"); err != nil || head != second {
		t.Errorf("main is %s (%v)", head, err)
	}
	if got := content(t, mustFetch(t, r, first), "colour"); got != "white" {
		t.Errorf("colour is %s", got)
	}
}

func TestServersThatDoNotHandOutSingleCommitsAreAskedForBranches(t *testing.T) {
	u := newUpstream(t)
	first := u.commit("One", "colour", "white")
	second := u.commit("Two", "colour", "blue")
	lost := u.commit("Three", "colour", "red")
	u.git("reset", "--quiet", "--hard", string(second))
	u.git("checkout", "--quiet", "-b", "side")
	u.commit("Side", "colour", "black")
	side := u.commit("Side head", "colour", "grey")
	u.git("checkout", "--quiet", "main")
	u.commit("Four", "colour", "green")
	remote := u.serve(&gitServer{old: true}).remote()
	for _, remote.Branch = range []string{"main", "gone", ""} {
		r := open(t, remote)
		// The head of a branch comes without its history, which older commits then need.
		for _, c := range []struct {
			commit deploy.Commit
			colour string
		}{{side, "grey"}, {second, "blue"}, {first, "white"}, {u.head(), "green"}} {
			if got := content(t, mustFetch(t, r, c.commit), "colour"); got != c.colour {
				t.Errorf("branch %q: colour is %s, want %s", remote.Branch, got, c.colour)
			}
		}
		if _, err := r.Fetch(testContext(t), lost, nil); !errors.Is(err, deploy.ErrUnknownCommit) {
			t.Errorf("branch %q: error for a commit of no branch is %v", remote.Branch, err)
		}
	}
}

func TestUnknownCommitOverHTTP(t *testing.T) {
	u := newUpstream(t)
	u.commit("Start", "colour", "white")
	_, err := open(t, u.serve(&gitServer{}).remote()).Fetch(testContext(t), "1234567890123456789012345678901234567890", nil)
	if !errors.Is(err, deploy.ErrUnknownCommit) {
		t.Errorf("error is %v", err)
	}
}

func TestATokenReachesTheServerAndNothingElse(t *testing.T) {
	u := newUpstream(t)
	commit := u.commit("Start", "colour", "white")
	s := u.serve(&gitServer{user: "deployer", token: `hunter2 %s"'$(id)`})
	remote := s.remote()
	remote.Username, remote.Token = "deployer", func() (string, error) { return s.token + "\n", nil }
	r := open(t, remote)
	arguments := filepath.Join(t.TempDir(), "arguments")
	r.Git = script(t, "echo \"$0 $@\" >> '"+arguments+"'; exec git \"$@\"")
	var logged strings.Builder
	if _, err := r.Fetch(testContext(t), commit, func(line string, _ ...deploy.Step) { logged.WriteString(line) }); err != nil {
		t.Fatal(err)
	}
	recorded, err := os.ReadFile(arguments)
	if err != nil || !strings.Contains(string(recorded), "fetch") {
		t.Fatalf("arguments are %q (%v)", recorded, err)
	}
	if strings.Contains(string(recorded)+logged.String(), "hunter2") {
		t.Errorf("the token is in the arguments %s or the log %s", recorded, logged.String())
	}
	err = filepath.WalkDir(r.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		if text, err := os.ReadFile(path); err != nil || strings.Contains(string(text), "hunter2") {
			t.Errorf("%s holds the token (%v)", path, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestARefusedOrMissingTokenIsExplained(t *testing.T) {
	u := newUpstream(t)
	commit := u.commit("Start", "colour", "white")
	s := u.serve(&gitServer{user: "git", token: "right"})
	for name, token := range map[string]func() (string, error){"none": nil, "wrong": func() (string, error) { return "wrongtoken", nil }} {
		remote := s.remote()
		remote.Token = token
		_, err := open(t, remote).Fetch(testContext(t), commit, nil)
		if !strings.Contains(errorHint(err), "repository.token") || strings.Contains(err.Error(), "wrongtoken") {
			t.Errorf("%s: error is %v with hint %q", name, err, errorHint(err))
		}
	}
	for name, token := range map[string]func() (string, error){
		"empty":     func() (string, error) { return " \n", nil },
		"two lines": func() (string, error) { return "a\nhost=evil", nil },
		"unread":    func() (string, error) { return "", errors.New("no such file") },
	} {
		remote := s.remote()
		remote.Token = token
		before := s.requests.Load()
		if _, err := open(t, remote).Fetch(testContext(t), commit, nil); err == nil || s.requests.Load() != before {
			t.Errorf("%s: error is %v, and the server was asked", name, err)
		}
	}
}

func TestATokenDoesNotFollowARedirectToAnotherHost(t *testing.T) {
	u := newUpstream(t)
	commit := u.commit("Start", "colour", "white")
	var stolen atomic.Bool
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if request.Header.Get("Authorization") != "" {
			stolen.Store(true)
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		http.Error(w, "no", http.StatusUnauthorized)
	}))
	t.Cleanup(thief.Close)
	lure := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		http.Redirect(w, request, thief.URL+request.URL.String(), http.StatusFound)
	}))
	t.Cleanup(lure.Close)
	r := open(t, Remote{URL: lure.URL + "/upstream", Token: func() (string, error) { return "secret", nil }})
	if _, err := r.Fetch(testContext(t), commit, nil); err == nil || stolen.Load() {
		t.Errorf("error is %v, token sent: %v", err, stolen.Load())
	}
}

func TestHTTPSTrustsTheConfiguredCertificate(t *testing.T) {
	u := newUpstream(t)
	commit := u.commit("Start", "colour", "white")
	s := u.serveWith(&gitServer{user: "git", token: "hunter2"}, httptest.NewTLSServer)
	remote := s.remote()
	remote.Token = func() (string, error) { return "hunter2", nil }
	_, err := open(t, remote).Fetch(testContext(t), commit, nil)
	if !strings.Contains(errorHint(err), "certificate") {
		t.Errorf("error without the certificate is %v with hint %q", err, errorHint(err))
	}
	remote.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(remote.CAFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := content(t, mustFetch(t, open(t, remote), commit), "colour"); got != "white" {
		t.Errorf("colour is %s", got)
	}
}

func TestAServerThatCannotBeReachedIsExplained(t *testing.T) {
	u := newUpstream(t)
	s := u.serve(&gitServer{})
	s.Close()
	_, err := open(t, s.remote()).Resolve(testContext(t), "main")
	if !strings.Contains(err.Error(), "cannot be reached") || !strings.Contains(errorHint(err), "network") {
		t.Errorf("error is %v with hint %q", err, errorHint(err))
	}
}
