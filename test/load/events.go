package load

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// Events is a client of server-sent events. When the stream breaks, or is silent for too long, that is a failure;
// when the server ends it, it is not. Either way it asks again. What an event took is the time since the one before.
type Events struct {
	URL string
	// Silence is how long nothing at all may come; 30 s when 0.
	Silence time.Duration
}

const (
	eventKind = "event streams"
	// maxLine bounds a line of a stream, in bytes.
	maxLine = 1 << 20
)

func (w Events) work(ctx context.Context, l *Load) {
	w.Silence = cmp.Or(w.Silence, 30*time.Second)
	var p pace
	for again := false; p.wait(ctx, again); again = true {
		if w.hold(ctx, l) {
			return
		}
	}
}

// hold reads one stream until the load or the stream ends, and tells whether it was the load.
func (w Events) hold(ctx context.Context, l *Load) (done bool) {
	e := Entry{Kind: eventKind, Start: time.Now()}
	c := &Client{TLS: l.plan.TLS}
	defer c.Close()
	response, err := w.open(c)
	if err == nil {
		defer response.Body.Close()
		e.Slice = response.Header.Get(sliceHeader)
		done, err = w.read(ctx, c, response.Body, func() bool {
			if !l.may() {
				return false
			}
			now := time.Now()
			e.Took = now.Sub(e.Start)
			l.enter(e)
			e.Start = now
			return true
		})
	}
	if !done {
		e.Took, e.Err, e.Closed = time.Since(e.Start), err, errors.Is(err, io.EOF)
		l.enter(e)
	}
	return done
}

func (w Events) open(c *Client) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	request, err := http.NewRequest(http.MethodGet, w.URL, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "text/event-stream")
	response, err := c.open(ctx, request)
	if err == nil && response.StatusCode != http.StatusOK {
		response.Body.Close()
		return nil, fmt.Errorf("status %d", response.StatusCode)
	}
	return response, err
}

// read tells of each event until the stream ends, which is io.EOF where the server ended it, or until ctx or the count
// of the load do.
func (w Events) read(ctx context.Context, c *Client, stream io.Reader, tell func() bool) (done bool, err error) {
	conn := c.conn
	unhook := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Now()) })
	defer unhook()
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, maxLine)
	for full := false; ; {
		_ = conn.SetReadDeadline(time.Now().Add(w.Silence))
		if ctx.Err() != nil {
			return true, nil
		}
		if !lines.Scan() {
			break
		}
		if lines.Text() == "" && full && !tell() {
			return true, nil
		}
		full = lines.Text() != "" && (full || lines.Text()[0] != ':')
	}
	err = lines.Err()
	switch {
	case ctx.Err() != nil:
		return true, nil
	case err == nil:
		return false, io.EOF
	case errors.Is(err, os.ErrDeadlineExceeded):
		return false, fmt.Errorf("the stream was silent for %s", w.Silence)
	}
	return false, fmt.Errorf("the stream broke: %w", plain(err))
}
