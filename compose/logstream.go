package compose

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
)

// errUnreadable means that the container's logging driver keeps nothing that could be read.
var errUnreadable = errors.New("its logging driver keeps no log that can be read")

// stream calls line for each line of the container's log, with the moment when the engine got it. A cancelled ctx is the
// normal end of following.
func (e *Engine) stream(ctx context.Context, id string, opts container.LogsOptions, line func(time.Time, string) error) error {
	i, err := e.inspect(ctx, id)
	if err != nil {
		return err
	}
	opts.ShowStdout, opts.ShowStderr, opts.Timestamps = true, true, true
	body, err := e.client.ContainerLogs(ctx, id, opts)
	if errdefs.IsNotImplemented(err) {
		return errUnreadable
	}
	if err != nil {
		return fmt.Errorf("read log: %w", e.explain(err))
	}
	defer body.Close()
	if i.Config.Tty {
		err = splitLines(body, line)
	} else {
		err = demultiplex(body, line)
	}
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("read log: %w", err)
	}
	return nil
}

// splitLines reads the log of a container with a terminal, which has one output and no frames.
func splitLines(body io.Reader, line func(time.Time, string) error) error {
	var at time.Time
	sink := &lineSink{line: func(text string) error {
		stamp, rest := cutStamp([]byte(text))
		if !stamp.IsZero() {
			at = stamp
		}
		return line(at, string(rest))
	}}
	_, err := io.Copy(sink, body)
	return errors.Join(err, sink.flush())
}

// demultiplex takes the engine's interleaved stream apart, so that a line is never mixed of both outputs.
func demultiplex(body io.Reader, line func(time.Time, string) error) error {
	out, errs := newStampSink(line), newStampSink(line)
	_, err := stdcopy.StdCopy(out, errs, body)
	return errors.Join(err, out.lines.flush(), errs.lines.flush())
}

// stampSink takes the frames of one output. Each begins with its moment; a long line comes in several of them.
type stampSink struct {
	lines *lineSink
	at    time.Time // of the line that has begun
}

func newStampSink(line func(time.Time, string) error) *stampSink {
	s := &stampSink{}
	s.lines = &lineSink{line: func(text string) error { return line(s.at, text) }}
	return s
}

// Write takes one frame.
func (s *stampSink) Write(frame []byte) (int, error) {
	at, text := cutStamp(frame)
	if len(s.lines.pending) == 0 {
		s.at = at
	}
	_, err := s.lines.Write(text)
	return len(frame), err
}

// cutStamp reads the moment at the beginning of what the engine sends; it is zero when there is none.
func cutStamp(text []byte) (time.Time, []byte) {
	stamp, rest, _ := bytes.Cut(text, []byte(" "))
	at, err := time.Parse(time.RFC3339Nano, string(stamp))
	if err != nil {
		return time.Time{}, text
	}
	return at, rest
}
