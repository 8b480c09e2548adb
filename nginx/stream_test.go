package nginx

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"verdigris/deploy"

	"verdigris/internal/testkit"
)

// echoSocket accepts a websocket handshake (RFC 6455, section 4) and echoes lines with the slice's name before them.
func echoSocket(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "websocket" || !strings.EqualFold(r.Header.Get("Connection"), "upgrade") {
			http.Error(w, "not a handshake", http.StatusBadRequest)
			return
		}
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", r.Header.Get("Sec-WebSocket-Key"))
		for {
			line, err := rw.ReadString('\n')
			if err != nil {
				return
			}
			fmt.Fprintf(conn, "%s %s", name, line)
		}
	}
}

type webSocket struct {
	net.Conn
	read *bufio.Reader
}

// dialWebSocket sends the handshake; open reads the answer.
func dialWebSocket(t *testing.T, addr string) *webSocket {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	testkit.Must(t, err)
	t.Cleanup(func() { conn.Close() })
	testkit.Must(t, conn.SetDeadline(time.Now().Add(patience)))
	_, err = fmt.Fprintf(conn, "GET /ws HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n\r\n", addr)
	testkit.Must(t, err)
	return &webSocket{conn, bufio.NewReader(conn)}
}

func (ws *webSocket) open(t *testing.T) {
	t.Helper()
	response, err := http.ReadResponse(ws.read, nil)
	testkit.Must(t, err)
	if response.StatusCode != http.StatusSwitchingProtocols || response.Header.Get("Sec-WebSocket-Accept") != "k" {
		t.Fatalf("the handshake was answered with %s %v", response.Status, response.Header)
	}
}

func (ws *webSocket) echo(t *testing.T, text, want string) {
	t.Helper()
	_, err := fmt.Fprintln(ws, text)
	testkit.Must(t, err)
	line, err := ws.read.ReadString('\n')
	testkit.Must(t, err)
	if strings.TrimSpace(line) != want {
		t.Errorf("the answer is %q instead of %q", line, want)
	}
}

func TestAWebSocketSurvivesACutoverAndOneThatWaitedReachesTheNewSlice(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	blue := newBackend(t, deploy.Blue, echoSocket("blue"))
	green := newBackend(t, deploy.Green, echoSocket("green"))
	s.goLive(t, blue)
	before := dialWebSocket(t, s.addr)
	before.open(t)
	before.echo(t, "one", "blue one")

	h := s.holdTowards(t, green)
	during := dialWebSocket(t, s.addr)
	waiting(t, h, 1)
	left, err := h.Drain(t.Context(), patience)
	testkit.Must(t, err)
	if left != 1 {
		t.Errorf("%d requests are left", left)
	}
	testkit.Must(t, h.Route(t.Context()))
	testkit.Must(t, h.Release(t.Context()))
	during.open(t)
	during.echo(t, "two", "green two")
	before.echo(t, "three", "blue three")
}

// twoEvents sends the second event only when the first has arrived.
func twoEvents(buffering string, arrived <-chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		if buffering != "" {
			w.Header().Set("X-Accel-Buffering", buffering)
		}
		fmt.Fprint(w, "data: one\n\n")
		w.(http.Flusher).Flush()
		select {
		case <-arrived:
			fmt.Fprint(w, "data: two\n\n")
		case <-r.Context().Done():
		}
	}
}

func TestServerSentEventsPassUnbuffered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		accept, buffering string
		hold              bool
	}{
		"asked for by the client":               {accept: "text/event-stream"},
		"asked for by the slice":                {buffering: "no"},
		"asked for by a client that waited":     {accept: "text/event-stream", hold: true},
		"asked for by the slice after the wait": {buffering: "no", hold: true},
	} {
		t.Run(name, func(t *testing.T) {
			arrived := make(chan struct{})
			s, _, green := twoSlices(t, twoEvents(c.buffering, arrived))
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/events", nil)
			testkit.Must(t, err)
			if c.accept != "" {
				request.Header.Set("Accept", c.accept)
			}
			if c.hold {
				h := s.holdTowards(t, green)
				go func() {
					waitFor(h, 1)
					_ = h.Abort(background(t)) // the events show whether it worked
				}()
			}
			response, err := (&http.Client{Timeout: patience}).Do(request)
			testkit.Must(t, err)
			defer response.Body.Close()
			if leaked := response.Header.Get("X-Accel-Buffering"); leaked != "" {
				t.Errorf("X-Accel-Buffering: %s reached the client", leaked)
			}
			events := bufio.NewReader(response.Body)
			line, err := events.ReadString('\n')
			testkit.Must(t, err)
			if line != "data: one\n" {
				t.Errorf("the first event is %q", line)
			}
			close(arrived)
			rest, err := io.ReadAll(events)
			testkit.Must(t, err)
			testkit.Contains(t, string(rest), "data: two")
		})
	}
}

func TestUploadsAreStreamedToTheSlice(t *testing.T) {
	t.Parallel()
	first := make(chan struct{})
	s, _, _ := twoSlices(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadFull(r.Body, make([]byte, 1<<10)); err == nil {
			close(first)
		}
		n, err := io.Copy(io.Discard, r.Body)
		if err == nil {
			fmt.Fprint(w, n+1<<10)
		}
	})
	read, write := io.Pipe()
	upload := s.send(t, http.MethodPost, "/", "upload", read)
	_, err := write.Write(make([]byte, 64<<10))
	testkit.Must(t, err)
	select {
	case <-first: // and the upload has not ended yet
	case <-time.After(patience):
		t.Fatal("the slice saw nothing before the end of the upload")
	}
	const size = 8 << 20
	_, err = write.Write(make([]byte, size-64<<10))
	testkit.Must(t, err)
	testkit.Must(t, write.Close())
	if a := receive(t, upload); a.body != fmt.Sprint(size) {
		t.Errorf("%d: %s bytes arrived", a.status, a.body)
	}
}

func TestAnUploadThatOutlastsTheHoldReachesTheNewSlice(t *testing.T) {
	t.Parallel()
	s, _, green := twoSlices(t, digest)
	h := s.holdTowards(t, green)
	read, write := io.Pipe()
	upload := s.send(t, http.MethodPost, "/", "slow", read)
	_, err := write.Write(make([]byte, 64<<10))
	testkit.Must(t, err)
	testkit.Eventually(t, "the upload is in the router", func() bool {
		status, _, err := s.admin().get(t.Context(), "/status")
		return err == nil && strings.Contains(status, "Active connections: 2") // itself and the upload
	})
	testkit.Must(t, h.Route(t.Context()))
	testkit.Must(t, h.Release(t.Context()))
	s.goLive(t, green) // the worker that reads it is two generations old by now
	testkit.Must(t, write.Close())
	if a := receive(t, upload); a.status != http.StatusOK || a.slice != deploy.Green {
		t.Errorf("%d from %s", a.status, a.slice)
	}
}
