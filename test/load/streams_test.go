package load_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"verdigris/test/load"
)

// echoes is a websocket server that sends texts back, between two of its own, until it has read so many; then it ends
// the connection as end does.
func echoes(t *testing.T, many int, end func(*websocket.Conn)) string {
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Verdigris-Slice", "green")
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		for range many {
			kind, message, err := conn.Read(r.Context())
			if err != nil {
				return
			}
			for _, text := range [][]byte{[]byte("news"), message, []byte("more news")} {
				if conn.Write(r.Context(), kind, text) != nil {
					return
				}
			}
		}
		end(conn)
	})
}

// hold runs one websocket client until it has done so much.
func hold(t *testing.T, count int, w load.WebSocket) load.Report {
	w.Every = time.Millisecond
	return load.Start(t.Context(), load.Plan{Count: count, Workers: []load.Worker{w}}).Wait()
}

func TestAWebSocketIsHeldAndEchoesAreAwaited(t *testing.T) {
	url := echoes(t, 100, nil)
	report := hold(t, 8, load.WebSocket{URL: url, Echo: true})
	if of := report.Kinds["websockets"]; of.Sent != 8 || of.Failed != 0 || of.Closed != 0 || of.Slices["green"] != 8 {
		t.Errorf("report: %s", report)
	}
}

func TestAServerThatOnlyAnswersPingsWillDo(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if conn, err := websocket.Accept(w, r, nil); err == nil {
			<-conn.CloseRead(r.Context()).Done()
		}
	})
	report := hold(t, 8, load.WebSocket{URL: url})
	if of := report.Kinds["websockets"]; of.Sent != 8 || of.Failed != 0 {
		t.Errorf("report: %s", report)
	}
}

func TestACloseFrameIsNoFailureAndAnotherConnectionIsTaken(t *testing.T) {
	url := echoes(t, 2, func(c *websocket.Conn) { _ = c.Close(websocket.StatusGoingAway, "bye") })
	report := hold(t, 9, load.WebSocket{URL: url, Echo: true})
	if of := report.Kinds["websockets"]; of.Failed != 0 || of.Closed < 2 {
		t.Errorf("report: %s", report)
	}
}

func TestAWebSocketThatBreaksIsAFailure(t *testing.T) {
	url := echoes(t, 2, func(c *websocket.Conn) { _ = c.CloseNow() })
	report := hold(t, 9, load.WebSocket{URL: url, Echo: true})
	all := report.Failures() // of which there may be two kinds: the kernel tells of an end or of a reset
	if len(all) == 0 || report.Kinds["websockets"].Closed != 0 {
		t.Errorf("report: %s", report)
	}
	for _, f := range all {
		if !strings.HasPrefix(f.What, "websockets: the websocket broke: ") {
			t.Errorf("report: %s", report)
		}
	}
}

func TestAWebSocketWithWrongEchoesOrNoneIsAFailure(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		for err == nil {
			if _, _, err = conn.Read(r.Context()); err == nil {
				err = conn.Write(r.Context(), websocket.MessageText, []byte("are you there? no"))
			}
		}
	})
	if f := failure(t, hold(t, 2, load.WebSocket{URL: url, Echo: true})); !strings.Contains(f.What, `answered "are you there? no"`) {
		t.Errorf("failure: %+v", f)
	}
	url = serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	if f := failure(t, hold(t, 1, load.WebSocket{URL: url})); !strings.Contains(f.What, "502") {
		t.Errorf("failure: %+v", f)
	}
}

// events is a server of event streams, each of two events, a comment between them, and the end.
func events(t *testing.T, end func(http.ResponseWriter, *http.Request)) string {
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		for i := range 2 {
			fmt.Fprintf(w, ": awake\n\nid: %d\ndata: news\n\n", i)
			_ = http.NewResponseController(w).Flush()
		}
		end(w, r)
	})
}

func TestEventsAreCountedOverStreamsThatTheServerEnds(t *testing.T) {
	url := events(t, func(http.ResponseWriter, *http.Request) {})
	report := load.Start(t.Context(), load.Plan{Count: 5, Workers: []load.Worker{load.Events{URL: url}}}).Wait()
	if of := report.Kinds["event streams"]; of.Sent != 5 || of.Failed != 0 || of.Closed != 2 {
		t.Errorf("report: %s", report)
	}
}

func TestAStreamThatBreaksOrFallsSilentIsAFailure(t *testing.T) {
	broken := events(t, func(w http.ResponseWriter, _ *http.Request) { cut(w) })
	silent := events(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	absent := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	for url, want := range map[string]string{broken: "the stream broke: unexpected EOF", silent: "the stream was silent for 50ms", absent: "status 404"} {
		l := load.Start(t.Context(), load.Plan{Workers: []load.Worker{load.Events{URL: url, Silence: 50 * time.Millisecond}}})
		for l.Report().Failed() == 0 {
			time.Sleep(time.Millisecond)
		}
		if f := failure(t, l.Stop()); f.What != "event streams: "+want {
			t.Errorf("failure: %+v, want %s", f, want)
		}
	}
}

func TestAnEventStreamEndsWithTheLoad(t *testing.T) {
	var open atomic.Int64
	url := events(t, func(_ http.ResponseWriter, r *http.Request) {
		open.Add(1)
		<-r.Context().Done()
	})
	l := load.Start(t.Context(), load.Plan{Workers: []load.Worker{load.Events{URL: url}}})
	for open.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	if report := l.Stop(); report.Failed() != 0 {
		t.Errorf("report: %s", report)
	}
}

func TestEveryKindOfWorkerSpeaksTLS(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/live":
			if conn, err := websocket.Accept(w, r, nil); err == nil {
				<-conn.CloseRead(r.Context()).Done()
			}
		case "/events":
			fmt.Fprint(w, "data: news\n\n")
		}
	}))
	t.Cleanup(server.Close)
	trust := server.Client().Transport.(*http.Transport).TLSClientConfig
	for _, w := range []load.Worker{load.Requests{Request: get(server.URL)}, load.WebSocket{URL: server.URL + "/live"}, load.Events{URL: server.URL + "/events"}} {
		if report := load.Start(t.Context(), load.Plan{Count: 2, TLS: trust, Workers: []load.Worker{w}}).Wait(); report.Failed() != 0 || report.Sent() != 2 {
			t.Errorf("%T: %s", w, report)
		}
		if report := load.Start(t.Context(), load.Plan{Count: 1, Time: time.Second, Workers: []load.Worker{w}}).Wait(); report.Failed() == 0 {
			t.Errorf("%T trusts anybody: %s", w, report)
		}
	}
}
