package compose

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/client"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

const watchedFile = `
services:
  web:
    image: ` + "${REDIS_IMAGE}" + `
    init: true
    stop_grace_period: 1s
`

// watching watches the app until the test ends, and returns where changes are noted once the first has come.
func (s *site) watching() <-chan struct{} {
	s.t.Helper()
	changed := make(chan struct{}, 1)
	var done sync.WaitGroup
	ctx := s.t.Context() // ends before the clean-ups
	done.Go(func() {
		s.Watch(ctx, func() {
			select {
			case changed <- struct{}{}:
			default:
			}
		})
	})
	s.t.Cleanup(done.Wait)
	noted(s.t, changed, "the stream has been joined")
	return changed
}

// noted waits for a change.
func noted(t testing.TB, changed <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-changed:
	case <-time.After(2 * testkit.Patience):
		t.Fatalf("no change was reported: %s", what)
	}
}

// quiet takes what is noted and returns when nothing more has come for a moment.
func quiet(changed <-chan struct{}) {
	for {
		select {
		case <-changed:
		case <-time.After(300 * time.Millisecond): // events of what has just ended come within that, or are noted below all the same
			return
		}
	}
}

func TestRuntime_Watch_ReportsWhatMayMoveAContainer(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, watchedFile)
	s.write(".env", "REDIS_IMAGE="+redis+"\n")
	s.up(commitA)
	changed := s.watching()
	id := s.ids()["web-1"]
	ctx := t.Context()
	for _, c := range []struct {
		what string
		do   func() error
	}{
		{"paused", func() error { return e.client.ContainerPause(ctx, id) }},
		{"unpaused", func() error { return e.client.ContainerUnpause(ctx, id) }},
		{"off its network", func() error {
			return e.client.NetworkDisconnect(ctx, s.settings.Project(deploy.Blue)+"_default", id, true)
		}},
		{"on its network", func() error {
			return e.client.NetworkConnect(ctx, s.settings.Project(deploy.Blue)+"_default", id, &network.EndpointSettings{})
		}},
		{"killed", func() error { return e.client.ContainerKill(ctx, id, "KILL") }},
		{"started", func() error { return e.client.ContainerStart(ctx, id, container.StartOptions{}) }},
	} {
		quiet(changed)
		testkit.Must(t, c.do())
		noted(t, changed, "the container was "+c.what)
	}
}

func TestRuntime_Watch_LeavesOutOtherApps(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s, other := newSite(t, e, watchedFile), newSite(t, e, watchedFile)
	for _, one := range []*site{s, other} {
		one.write(".env", "REDIS_IMAGE="+redis+"\n")
		one.up(commitA)
	}
	changed, others := s.watching(), other.watching()
	quiet(changed)
	quiet(others)
	testkit.Must(t, e.client.ContainerPause(t.Context(), other.ids()["web-1"]))
	noted(t, others, "the other app's container was paused")
	testkit.Must(t, e.client.ContainerUnpause(t.Context(), other.ids()["web-1"]))
	noted(t, others, "the other app's container was unpaused")
	select {
	case <-changed:
		t.Error("what another app's container does was reported")
	default:
	}
}

func TestRuntime_Watch_JoinsAgainAndReportsIt(t *testing.T) {
	t.Parallel()
	connected(t)
	line := newEngineLine(t)
	e, err := client.NewClientWithOpts(client.WithHost("unix://"+line.path), client.WithAPIVersionNegotiation())
	testkit.Must(t, err)
	t.Cleanup(func() { e.Close() })
	s := newSite(t, &Engine{client: e, Timeout: time.Minute}, watchedFile)
	changed := s.watching()
	quiet(changed)
	line.cut()
	noted(t, changed, "the stream has been joined again")
}

// engineLine stands between a client and the Docker Engine, so that a test can cut what is under way.
type engineLine struct {
	path   string
	server *http.Server
	mu     sync.Mutex
	open   map[net.Conn]bool
}

func newEngineLine(t testing.TB) *engineLine {
	t.Helper()
	l := &engineLine{path: filepath.Join(testkit.ShortDir(t), "docker.sock"), open: map[net.Conn]bool{}}
	listener, err := net.Listen("unix", l.path)
	testkit.Must(t, err)
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "docker"})
	proxy.FlushInterval = -1
	proxy.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", "/var/run/docker.sock")
	}}
	l.server = &http.Server{Handler: proxy, ConnState: l.note, ReadHeaderTimeout: time.Minute}
	go func() { _ = l.server.Serve(listener) }() // ends with Close
	t.Cleanup(func() { l.server.Close() })
	return l
}

func (l *engineLine) note(c net.Conn, state http.ConnState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if state == http.StateClosed {
		delete(l.open, c)
	} else {
		l.open[c] = true
	}
}

// cut ends every connection; new ones are let through.
func (l *engineLine) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.open {
		c.Close()
	}
}
