package load

import (
	"context"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

// WebSocket is a client that holds a websocket and sees, now and then, whether the other end still answers. When the
// connection breaks that is a failure, unless the server has closed it with a close frame. Then it takes a new one.
type WebSocket struct {
	// URL is of http or https.
	URL string
	// Every is the time from one question to the next; 200 ms when 0.
	Every time.Duration
	// Echo asks with texts, which the server has to send back. Otherwise the questions are pings, which every server
	// answers.
	Echo bool
}

const socketKind = "websockets"

func (w WebSocket) work(ctx context.Context, l *Load) {
	if w.Every == 0 {
		w.Every = 200 * time.Millisecond
	}
	var p pace
	for again := false; p.wait(ctx, again); again = true {
		if w.hold(ctx, l) {
			return
		}
	}
}

// hold opens a connection and asks over it until the load or the connection ends, and tells whether it was the load.
func (w WebSocket) hold(ctx context.Context, l *Load) (done bool) {
	if !l.may() {
		return true
	}
	start := time.Now()
	s, err := w.open(ctx, l)
	l.enter(Entry{Kind: socketKind, Start: start, Took: time.Since(start), Slice: s.slice, Err: err})
	if err != nil {
		return false
	}
	defer s.conn.CloseNow()
	for p := (pace{every: w.Every}); p.wait(s.ctx, false) && l.may(); {
		start := time.Now()
		if err := s.ask(w.Echo); err != nil {
			l.enter(s.ending(start, err))
			return false
		}
		l.enter(Entry{Kind: socketKind, Start: start, Took: time.Since(start), Slice: s.slice})
	}
	select {
	case <-s.ended:
		l.enter(s.ending(time.Now(), nil))
		return false
	default:
	}
	_ = s.conn.Close(websocket.StatusNormalClosure, "")
	return true
}

// open makes the handshake on a connection of its own: one that was kept would be tried twice by net/http.
func (w WebSocket) open(ctx context.Context, l *Load) (*socket, error) {
	handshake, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: l.plan.TLS}
	conn, response, err := websocket.Dial(handshake, w.URL, &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	s := &socket{conn: conn}
	if response != nil {
		s.slice = response.Header.Get(sliceHeader)
	}
	if err != nil {
		return s, plain(err)
	}
	s.listen(ctx)
	return s, nil
}
