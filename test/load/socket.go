package load

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// answerTimeout is how long the answer to a ping or a text may take.
const answerTimeout = 30 * time.Second

// maxMessage bounds a message from the server, in bytes.
const maxMessage = 16 << 20

// socket is one websocket that is being held.
type socket struct {
	conn  *websocket.Conn
	slice string
	asked int

	ctx   context.Context // ends with the load or the connection
	heard chan string     // the newest message
	ended chan struct{}   // closed when nothing more can be read, and err says why
	err   error
}

// listen reads whatever comes until the connection ends. Someone has to: pongs and close frames are read on the way.
func (s *socket) listen(ctx context.Context) {
	s.heard, s.ended = make(chan string, 1), make(chan struct{})
	s.conn.SetReadLimit(maxMessage)
	var end context.CancelFunc
	s.ctx, end = context.WithCancel(ctx)
	go func() {
		defer end()
		defer close(s.ended)
		for {
			var message []byte
			if _, message, s.err = s.conn.Read(context.Background()); s.err != nil {
				return
			}
			s.hear(string(message))
		}
	}()
}

// hear keeps a message that may be an answer. All that a server says of its own accord is passed over.
func (s *socket) hear(message string) {
	if !strings.HasPrefix(message, question) {
		return
	}
	select {
	case s.heard <- message:
	default: // nobody waits
	}
}

// question is what a text begins with that the server has to send back.
const question = "are you there? "

// ask asks once and waits for the answer. It goes on when the load ends meanwhile.
func (s *socket) ask(echo bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	if !echo {
		if err := s.conn.Ping(ctx); err != nil {
			return fmt.Errorf("the websocket does not answer: %w", err)
		}
		return nil
	}
	s.asked++
	text := question + strconv.Itoa(s.asked)
	if err := s.conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		return err
	}
	select {
	case message := <-s.heard:
		if message != text {
			return fmt.Errorf("the websocket answered %q to %q", message, text)
		}
		return nil
	case <-s.ended:
		return s.err
	case <-ctx.Done():
		return fmt.Errorf("the websocket did not answer within %s", answerTimeout)
	}
}

// lastWords is how long a connection that seems to be over may take to say so.
const lastWords = time.Second

// ending says how the connection ended, after a question that failed for the reason, or without one.
func (s *socket) ending(start time.Time, reason error) Entry {
	e := Entry{Kind: socketKind, Start: start, Took: time.Since(start), Slice: s.slice, Err: reason}
	select {
	case <-s.ended:
		e.Closed = websocket.CloseStatus(s.err) >= 0
		e.Err = fmt.Errorf("the websocket broke: %w", plain(s.err))
	case <-time.After(lastWords): // it goes on, with a wrong answer or none
	}
	return e
}
