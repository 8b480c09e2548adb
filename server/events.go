package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"verdigris/deploy"
)

// events streams the events of a deployment as text/event-stream (HTML standard, section 9.2) until its last one. A
// reader that comes back with Last-Event-ID, or ?after=, goes on where it was.
func (s *Server) events(c echo.Context) error {
	after, err := lastSeen(c)
	if err != nil {
		return err
	}
	d, err := s.find(c)
	if err != nil {
		return err
	}
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		return &statusError{http.StatusServiceUnavailable, "too many event streams are open"}
	}
	events, err := s.controller.Events(c.Request().Context(), d.ID, after)
	if err != nil {
		return err
	}
	// The stream outlives the timeouts of other answers; each write has one of its own.
	control := http.NewResponseController(c.Response())
	_ = control.SetReadDeadline(time.Time{})
	stream := &eventStream{out: c.Response(), control: control, timeout: s.WriteTimeout}
	if d.State.Ended() {
		// A browser reconnects when a stream ends; 204 is how the standard tells it to stop.
		first, more := <-events
		if !more {
			return c.NoContent(http.StatusNoContent)
		}
		stream.begin()
		if err := stream.event(first); err != nil || last(first) {
			return nil //nolint:nilerr // the reader is gone
		}
	} else {
		stream.begin()
	}
	s.relay(c, stream, events)
	return nil
}

// relay passes events on until the last one, the reader is gone or the server closes. A reader whom the server left
// comes back by itself.
func (s *Server) relay(c echo.Context, stream *eventStream, events <-chan deploy.Event) {
	heartbeat := time.NewTicker(s.Heartbeat)
	defer heartbeat.Stop()
	for {
		var err error
		select {
		case e, more := <-events:
			if !more {
				return
			}
			if err = stream.event(e); last(e) {
				return
			}
		case <-heartbeat.C:
			err = stream.comment("alive")
		case <-s.closing:
			return
		case <-c.Request().Context().Done():
			return
		}
		if err != nil {
			return
		}
	}
}

func last(e deploy.Event) bool { return e.Type == deploy.EventState && e.State.Ended() }

// lastSeen reads the number that the reader saw last. What a browser sends on its own when it comes back is newer
// than what is in the URL.
func lastSeen(c echo.Context) (int64, error) {
	text := c.Request().Header.Get("Last-Event-ID")
	if text == "" {
		text = c.QueryParam("after")
	}
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, &deploy.InputError{Reason: "Last-Event-ID and after take the number of an event"}
	}
	return n, nil
}

// eventStream writes server-sent events.
type eventStream struct {
	out     *echo.Response
	control *http.ResponseController
	timeout time.Duration
}

func (s *eventStream) begin() {
	header := s.out.Header()
	header.Set(echo.HeaderContentType, "text/event-stream")
	header.Set("X-Accel-Buffering", "no") // nginx in front passes each event on at once
	s.out.WriteHeader(http.StatusOK)
	_ = s.control.Flush()
}

func (s *eventStream) event(e deploy.Event) error {
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return s.write(fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", e.Seq, e.Type, data))
}

func (s *eventStream) comment(text string) error { return s.write(": " + text + "\n\n") }

func (s *eventStream) write(text string) error {
	_ = s.control.SetWriteDeadline(time.Now().Add(s.timeout)) // a recorder in a test has none
	if _, err := s.out.Write([]byte(text)); err != nil {
		return err
	}
	return s.control.Flush()
}
