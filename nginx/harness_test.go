package nginx

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"verdigris/deploy"
)

const (
	patience = 30 * time.Second // for what must happen, on a busy machine
	commitA  = deploy.Commit("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
)

// site is a whole app in front of real nginx processes: edge, router and verdigris's side of them.
type site struct {
	*Router
	url, addr string
	router    *daemon
}

// newSite prepares and starts edge and router. Nothing is live.
func newSite(t testing.TB) *site {
	t.Helper()
	s := newStoppedSite(t)
	s.startRouter(t)
	startDaemon(t, edgeCommand(s.settings.NginxConfDir))
	s.waitForEdge(t)
	return s
}

func newStoppedSite(t testing.TB) *site {
	t.Helper()
	requireNginx(t)
	dir := publicDir(t)
	addr := freeAddress(t)
	r, err := New(Settings{
		App:     "gallery",
		ConfDir: filepath.Join(dir, "nginx"),
		RunDir:  filepath.Join(dir, "run"),
		TempDir: dir,
		Edge:    Edge{Listen: []Listen{{Address: addr}}, URL: "http://" + addr},
	}, localProcess{PIDFile: filepath.Join(dir, "run", "router.pid")}, localProcess{})
	must(t, err)
	r.ReloadTimeout = patience
	r.HoldTimeout, r.TestTimeout = patience, patience
	_, err = r.Prepare(t.Context())
	must(t, err)
	return &site{Router: r, url: "http://" + addr, addr: addr}
}

func (s *site) startRouter(t testing.TB) {
	t.Helper()
	s.router = startDaemon(t, routerCommand(s.settings.NginxConfDir, s.settings.NginxRunDir))
	eventually(t, "the router answers", func() bool {
		workers, err := s.Process.Workers(t.Context())
		_, asked := s.admin().generation(t.Context())
		return err == nil && asked == nil && len(workers) > 0
	})
}

func (s *site) waitForEdge(t testing.TB) {
	t.Helper()
	eventually(t, "the edge answers", func() bool {
		conn, err := net.Dial("tcp", s.addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// goLive makes the backend the live slice without a hold.
func (s *site) goLive(t testing.TB, b *backend) {
	t.Helper()
	must(t, s.Apply(t.Context(), b.route()))
}

// backend is one container of a slice. It counts the requests that it got by their X-Id.
type backend struct {
	*httptest.Server
	slice deploy.Slice

	mu     sync.Mutex
	seen   map[string]int
	sealed bool
	late   []string // what arrived while it was sealed
}

func newBackend(t testing.TB, slice deploy.Slice, handler http.HandlerFunc) *backend {
	t.Helper()
	b := &backend{slice: slice, seen: map[string]int{}}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.note(r.Method + " " + r.Header.Get("X-Id"))
		if handler != nil {
			handler(w, r)
			return
		}
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			fmt.Fprint(w, slice)
		}
	}))
	t.Cleanup(func() {
		b.CloseClientConnections()
		b.Close()
	})
	return b
}

func (b *backend) note(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen[id]++
	if b.sealed {
		b.late = append(b.late, id)
	}
}

// seal makes every later request to the backend a fault.
func (b *backend) seal(sealed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sealed = sealed
}

func (b *backend) count(id string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.seen[id]
}

func (b *backend) endpoint() deploy.Endpoint {
	return deploy.Endpoint{Container: string(b.slice) + "-web-1", Address: b.Listener.Addr().String()}
}

func (b *backend) route() deploy.Route {
	return deploy.Route{Slice: b.slice, Commit: commitA, Previous: b.slice.Other(), Endpoints: []deploy.Endpoint{b.endpoint()}}
}

// waiting waits until that many requests wait at the gate.
func waiting(t testing.TB, h deploy.Hold, n int) {
	t.Helper()
	g := h.(*hold).gate
	eventually(t, fmt.Sprintf("%d requests wait at the gate", n), func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.waiting == n
	})
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("it never came true that %s", what)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func requireNginx(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("nginx"); err == nil {
		return
	}
	if os.Getenv("VERDIGRIS_SKIP_MISSING") == "1" {
		t.Skip("nginx is not installed")
	}
	t.Fatal("nginx is not installed: apt-get install nginx, or set VERDIGRIS_SKIP_MISSING=1")
}

// publicDir is a directory that nginx's workers can enter, with a path short enough for unix sockets.
func publicDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "verdigris-nginx-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	return dir
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

func wantContains(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in:\n%s", part, text)
		}
	}
}

func background(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	t.Cleanup(cancel)
	return ctx
}

// parted takes a reply apart.
func parted(reply deploy.Reply, err error) (int, deploy.Slice, error) {
	return reply.Status, reply.Slice, err
}
