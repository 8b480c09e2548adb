package nginx

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"verdigris/deploy"

	"verdigris/internal/testkit"
)

// talkative opens websockets and event streams, each with the slice's name, and answers everything else when finish is
// closed.
func talkative(name string, finish <-chan struct{}) http.HandlerFunc {
	socket := echoSocket(name)
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Upgrade") != "":
			socket(w, r)
		case r.Header.Get("Accept") == "text/event-stream":
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprintf(w, "data: %s\n\n", name)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		default:
			<-finish
			fmt.Fprint(w, name)
		}
	}
}

// events asks for an event stream; next reads its next line.
func (s *site) events(t *testing.T) (next func() string) {
	t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	testkit.Must(t, err)
	t.Cleanup(func() { conn.Close() })
	testkit.Must(t, conn.SetDeadline(time.Now().Add(patience)))
	_, err = fmt.Fprintf(conn, "GET /events HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n\r\n", s.addr)
	testkit.Must(t, err)
	return func() string {
		t.Helper()
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		testkit.Must(t, err)
		line, err := bufio.NewReader(response.Body).ReadString('\n')
		testkit.Must(t, err)
		return strings.TrimSpace(line)
	}
}

// streams opens websockets, each of which has been answered.
func (s *site) streams(t *testing.T, n int) (open []*webSocket) {
	t.Helper()
	for range n {
		ws := dialWebSocket(t, s.addr)
		ws.open(t)
		open = append(open, ws)
	}
	return open
}

// twoTalkative is a site whose drains would outlast the test if they waited for their time to pass.
func twoTalkative(t *testing.T) (s *site, blue, green *backend, finish chan struct{}) {
	t.Helper()
	finish = make(chan struct{})
	s = newSite(t)
	s.HoldTimeout = time.Hour
	blue = newBackend(t, deploy.Blue, talkative("blue", finish))
	green = newBackend(t, deploy.Green, talkative("green", finish))
	s.goLive(t, blue)
	return s, blue, green, finish
}

// drained is what a Drain in the background has returned.
type drained struct {
	left int
	err  error
}

func drainInBackground(t *testing.T, h deploy.Hold) <-chan drained {
	result := make(chan drained, 1)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	go func() {
		left, err := h.Drain(ctx, time.Hour)
		result <- drained{left, err}
	}()
	return result
}

func wantLeft(t *testing.T, result <-chan drained, want int) {
	t.Helper()
	if d := <-result; d.err != nil || d.left != want {
		t.Errorf("%d requests stay instead of %d; %v", d.left, want, d.err)
	}
}

// looking counts how often somebody has looked for connections.
type looking struct {
	Clients
	looks atomic.Int64
}

func (l *looking) Connections(ctx context.Context) ([]Connection, error) {
	l.looks.Add(1)
	return l.Clients.Connections(ctx)
}

func TestADrainDoesNotWaitForStreams(t *testing.T) {
	t.Parallel()
	s, _, green, _ := twoTalkative(t)
	sockets := s.streams(t, 3)
	events := s.events(t)
	if line := events(); line != "data: blue" {
		t.Fatalf("the event is %q", line)
	}
	h := s.holdTowards(t, green)
	wantLeft(t, drainInBackground(t, h), 4)
	testkit.Must(t, h.Route(t.Context()))
	testkit.Must(t, h.Release(t.Context()))
	sockets[0].echo(t, "still", "blue still")
}

func TestADrainWaitsForARequestBesideStreams(t *testing.T) {
	t.Parallel()
	s, blue, green, finish := twoTalkative(t)
	s.streams(t, 3)
	s.events(t)()
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		slow := s.send(t, method, "/", "slow", strings.NewReader("x"))
		testkit.Eventually(t, "the request is under way", func() bool { return blue.count(method+" slow") == 1 })
		defer receive(t, slow)
	}
	watch := &looking{Clients: s.Clients}
	s.Clients = watch
	h := s.holdTowards(t, green)
	result := drainInBackground(t, h)
	testkit.Eventually(t, "the drain has looked several times", func() bool { return watch.looks.Load() > 5 })
	select {
	case d := <-result:
		t.Fatalf("the drain did not wait: %+v", d)
	default:
	}
	close(finish)
	wantLeft(t, result, 4)
}

func TestStreamsThatWaitAtTheGateDoNotStay(t *testing.T) {
	t.Parallel()
	s, _, green, _ := twoTalkative(t)
	s.streams(t, 1)
	h := s.holdTowards(t, green)
	socket, events := dialWebSocket(t, s.addr), s.events(t)
	waiting(t, h, 2)
	wantLeft(t, drainInBackground(t, h), 1)
	testkit.Must(t, h.Route(t.Context()))
	testkit.Must(t, h.Release(t.Context()))
	socket.open(t)
	socket.echo(t, "hello", "green hello")
	if line := events(); line != "data: green" {
		t.Errorf("the event is %q", line)
	}
}

func TestStreamsAreCountedWhereTheyStay(t *testing.T) {
	t.Parallel()
	s, blue, green, _ := twoTalkative(t)
	var onBlue []*webSocket
	for i, c := range []struct {
		to          *backend
		opens, ends int // websockets on the slice that is left
		left        int
	}{{green, 1, 0, 1}, {blue, 2, 0, 2}, {green, 1, 0, 2}, {blue, 0, 0, 2}, {green, 1, 2, 1}, {blue, 1, 0, 3}, {green, 0, 1, 0}} {
		opened := s.streams(t, c.opens)
		if c.to == green {
			onBlue = append(onBlue, opened...)
			for range c.ends {
				s.end(t, onBlue[0])
				onBlue = onBlue[1:]
			}
		}
		h := s.holdTowards(t, c.to)
		if d := <-drainInBackground(t, h); d.err != nil || d.left != c.left {
			t.Errorf("cutover %d: %d requests stay instead of %d; %v", i+1, d.left, c.left, d.err)
		}
		testkit.Must(t, h.Route(t.Context()))
		testkit.Must(t, h.Release(t.Context()))
	}
}

// end closes a websocket and waits until the router knows.
func (s *site) end(t *testing.T, ws *webSocket) {
	t.Helper()
	before, err := s.connections(t.Context())
	testkit.Must(t, err)
	ws.Close()
	testkit.Eventually(t, "the websocket has ended", func() bool {
		now, err := s.connections(t.Context())
		return err == nil && len(now) == len(before)-1
	})
}

// sendThrough sends a POST straight to one of the router's sockets.
func (s *site) sendThrough(t *testing.T, socket, id string) <-chan answer {
	t.Helper()
	conn, err := net.Dial("unix", s.settings.run(socket))
	testkit.Must(t, err)
	t.Cleanup(func() { conn.Close() })
	_, err = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: site\r\nX-Id: %s\r\nContent-Length: 1\r\n\r\nx", id)
	testkit.Must(t, err)
	answers := make(chan answer, 1)
	go func() {
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			answers <- answer{err: err}
			return
		}
		defer conn.Close() // as the edge does
		body, err := io.ReadAll(response.Body)
		answers <- answer{response.StatusCode, deploy.Slice(response.Header.Get(sliceHeader)), string(body), err}
	}()
	return answers
}

// A connection may have been made before the hold and be taken in by a worker that holds already.
func TestARequestFromBeforeTheHoldThatAHoldingWorkerTakesInEndsOnTheOldSlice(t *testing.T) {
	t.Parallel()
	s, blue, green, finish := twoTalkative(t)
	first := s.holdTowards(t, green)
	testkit.Must(t, first.Route(t.Context()))
	testkit.Must(t, first.Release(t.Context()))
	before := s.openDoor().requests()

	h := s.holdTowards(t, blue)
	early := s.sendThrough(t, before, "early")
	testkit.Eventually(t, "the request is under way", func() bool { return green.count("POST early") == 1 })
	held := s.send(t, http.MethodPost, "/", "held", strings.NewReader("x"))
	waiting(t, h, 1)
	result := drainInBackground(t, h)
	close(finish)
	wantLeft(t, result, 0)
	if a := receive(t, early); a.slice != deploy.Green {
		t.Errorf("the early request: %d from %s", a.status, a.slice)
	}
	late := s.sendThrough(t, before, "late") // what can hardly be, waits
	waiting(t, h, 2)
	testkit.Must(t, h.Route(t.Context()))
	testkit.Must(t, h.Release(t.Context()))
	for _, answers := range []<-chan answer{held, late} {
		if a := receive(t, answers); a.status != http.StatusOK || a.slice != deploy.Blue {
			t.Errorf("%d from %s", a.status, a.slice)
		}
	}
}

func TestAnEdgeFromBeforeHasItsStreamsWaitedForOnce(t *testing.T) {
	t.Parallel()
	s := newStoppedSite(t)
	edge, err := os.ReadFile(s.settings.conf(edgeFile))
	testkit.Must(t, err)
	old := strings.ReplaceAll(string(edge), "router-streams.sock", "router.sock")
	testkit.Must(t, os.WriteFile(s.settings.conf(edgeFile), []byte(old), 0o644))
	s.startRouter(t)
	startDaemon(t, edgeCommand(s.settings.NginxConfDir))
	s.waitForEdge(t)
	s.HoldTimeout = time.Hour
	blue, green := newBackend(t, deploy.Blue, echoSocket("blue")), newBackend(t, deploy.Green, nil)
	s.goLive(t, blue)
	s.streams(t, 2)
	h := s.holdTowards(t, green)
	left, err := h.Drain(t.Context(), 50*time.Millisecond)
	if err != nil || left != 2 {
		t.Errorf("%d requests stay, %v", left, err)
	}
	testkit.Must(t, h.Abort(t.Context()))
	h = s.holdTowards(t, green)
	wantLeft(t, drainInBackground(t, h), 2)
}

func TestARouterFromBeforeTakesStreamsAndHoldsThem(t *testing.T) {
	t.Parallel()
	s := newStoppedSite(t)
	blue, green := newBackend(t, deploy.Blue, echoSocket("blue")), newBackend(t, deploy.Green, echoSocket("green"))
	testkit.Must(t, s.writeRouteWithOneDoor(blue.route()))
	s.startRouter(t)
	startDaemon(t, edgeCommand(s.settings.NginxConfDir))
	s.waitForEdge(t)
	before := s.streams(t, 1)[0]
	before.echo(t, "one", "blue one")
	h := s.holdTowards(t, green)
	during := dialWebSocket(t, s.addr)
	waiting(t, h, 1)
	left, err := h.Drain(t.Context(), 50*time.Millisecond)
	if err != nil || left != 1 {
		t.Errorf("%d requests stay, %v", left, err)
	}
	testkit.Must(t, h.Route(t.Context()))
	testkit.Must(t, h.Release(t.Context()))
	during.open(t)
	during.echo(t, "two", "green two")
	before.echo(t, "three", "blue three")
}

// writeRouteWithOneDoor writes an upstream file as it was when the router had one socket only.
func (s *site) writeRouteWithOneDoor(route deploy.Route) error {
	route.Generation = 1
	content, err := renderRoute(s.settings, route)
	if err != nil {
		return err
	}
	var old strings.Builder
	for line := range strings.Lines(string(content)) {
		if !strings.Contains(line, "router-streams.sock") && !strings.Contains(line, "router-a") && !strings.Contains(line, "router-b") ||
			strings.Contains(line, adminSocket) {
			old.WriteString(line)
		}
	}
	return os.WriteFile(s.settings.conf(upstreamFile), []byte(old.String()), 0o644)
}

// A worker of one hold may still have a request to read when the next hold's gate is there already. What that gate says
// is not for it: its live slice is another one.
func TestAWorkerOfAnEarlierHoldDoesNotMistakeTheNextGateForItsOwn(t *testing.T) {
	t.Parallel()
	s, blue, green, finish := twoTalkative(t)
	close(finish)
	first := s.holdTowards(t, green)
	conn, err := net.Dial("unix", s.settings.run("router.sock"))
	testkit.Must(t, err)
	defer conn.Close()
	testkit.Eventually(t, "a worker that holds has accepted the connection", func() bool {
		there, err := s.connections(t.Context())
		return err == nil && len(there) == 1 && there[0].ID != ""
	})
	testkit.Must(t, first.Route(t.Context()))
	testkit.Must(t, first.Release(t.Context()))

	h := s.holdTowards(t, blue)
	result := drainInBackground(t, h)
	_, err = fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: site\r\nX-Id: slow\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx")
	testkit.Must(t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	testkit.Must(t, err)
	defer response.Body.Close()
	if slice := response.Header.Get(sliceHeader); slice != string(deploy.Green) || green.count("POST slow") != 1 {
		t.Errorf("%s from %s", response.Status, slice)
	}
	conn.Close()
	wantLeft(t, result, 0)
}

func TestAStreamThatFoundNoGateIsCountedOnce(t *testing.T) {
	t.Parallel()
	s, blue, green, _ := twoTalkative(t)
	h := s.holdTowards(t, green)
	testkit.Must(t, os.Rename(s.settings.run(gateSocket), s.settings.run("elsewhere")))
	s.streams(t, 1) // takes one more hop
	testkit.Must(t, os.Rename(s.settings.run("elsewhere"), s.settings.run(gateSocket)))
	wantLeft(t, drainInBackground(t, h), 0)
	testkit.Must(t, h.Abort(t.Context()))
	h = s.holdTowards(t, green)
	wantLeft(t, drainInBackground(t, h), 1)
	testkit.Must(t, h.Route(t.Context()))
	testkit.Must(t, h.Release(t.Context()))
	wantLeft(t, drainInBackground(t, s.holdTowards(t, blue)), 0)
}

// secretive is an edge whose container cannot be looked into: it shows no connections.
type secretive struct{}

func (secretive) Connections(context.Context) ([]Connection, error) { return nil, nil }

func TestADrainIsNotOverWhileThereAreConnectionsThatItCannotSee(t *testing.T) {
	t.Parallel()
	s, blue, green, finish := twoTalkative(t)
	s.Clients = secretive{}
	slow := s.send(t, http.MethodPost, "/", "slow", strings.NewReader("x"))
	testkit.Eventually(t, "the request is under way", func() bool { return blue.count("POST slow") == 1 })
	h := s.holdTowards(t, green)
	left, err := h.Drain(t.Context(), 50*time.Millisecond)
	if err != nil || left != 1 {
		t.Errorf("%d requests stay, %v", left, err)
	}
	close(finish)
	receive(t, slow)
	wantLeft(t, drainInBackground(t, h), 0)
}
