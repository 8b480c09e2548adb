package main

import (
	"context"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

// tellTimeout bounds one message to a visitor who may have stopped reading.
const tellTimeout = 10 * time.Second

// live is a websocket that tells the number of pictures, and sends every text message back.
func (g *gallery) live(w http.ResponseWriter, r *http.Request) {
	ctx, leave := g.streams.join(r.Context())
	defer leave()
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has told the visitor
	}
	defer conn.CloseNow()
	ctx, gone := context.WithCancel(ctx)
	go func() {
		defer gone()
		echo(r.Context(), conn)
	}()
	for count, err := range g.store.counts(ctx) {
		if err != nil {
			_ = conn.Close(websocket.StatusInternalError, "redis does not answer")
			return
		}
		if tell(r.Context(), conn, count) != nil {
			return
		}
	}
	_ = conn.Close(websocket.StatusGoingAway, "the gallery closes")
}

// tell sends a count. Its context is not the gallery's, nor is that of echo: a read or write that is cancelled would end
// the connection before the visitor has been told why.
func tell(ctx context.Context, conn *websocket.Conn, count int64) error {
	ctx, cancel := context.WithTimeout(ctx, tellTimeout)
	defer cancel()
	return conn.Write(ctx, websocket.MessageText, []byte(countMessage(count)))
}

// echo sends text messages back until the connection ends.
func echo(ctx context.Context, conn *websocket.Conn) {
	for {
		kind, message, err := conn.Read(ctx)
		if err != nil || kind != websocket.MessageText || conn.Write(ctx, kind, message) != nil {
			return
		}
	}
}
