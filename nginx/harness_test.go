package nginx

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"verdigris/deploy"

	"verdigris/internal/testkit"
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
	testkit.NeedProgram(t, "nginx")
	dir := testkit.ShortDir(t)
	addr := testkit.FreeAddress(t)
	r, err := New(Settings{
		App:     "gallery",
		ConfDir: filepath.Join(dir, "nginx"),
		RunDir:  filepath.Join(dir, "run"),
		TempDir: dir,
		Edge:    Edge{Listen: []Listen{{Address: addr}}, URL: "http://" + addr},
	}, localProcess{PIDFile: filepath.Join(dir, "run", "router.pid")}, localProcess{})
	testkit.Must(t, err)
	r.ReloadTimeout = patience
	r.HoldTimeout, r.TestTimeout = patience, patience
	_, err = r.Prepare(t.Context())
	testkit.Must(t, err)
	return &site{Router: r, url: "http://" + addr, addr: addr}
}

func (s *site) startRouter(t testing.TB) {
	t.Helper()
	s.router = startDaemon(t, routerCommand(s.settings.NginxConfDir, s.settings.NginxRunDir))
	testkit.Eventually(t, "the router answers", func() bool {
		workers, err := s.Process.Workers(t.Context())
		_, asked := s.admin().generation(t.Context())
		return err == nil && asked == nil && len(workers) > 0
	})
}

func (s *site) waitForEdge(t testing.TB) {
	t.Helper()
	testkit.Eventually(t, "the edge answers", func() bool {
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
	testkit.Must(t, s.Apply(t.Context(), b.route()))
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
	testkit.Eventually(t, fmt.Sprintf("%d requests wait at the gate", n), func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.waiting == n
	})
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
