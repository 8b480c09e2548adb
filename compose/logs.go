package compose

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
	"golang.org/x/sync/errgroup"

	"verdigris/deploy"
)

// Logs writes the slice's container logs to w, each line after its container's name. Without following, the
// containers come one after the other; following, lines come as they are printed, until ctx ends.
func (r *Runtime) Logs(ctx context.Context, slice deploy.Slice, opts deploy.LogOptions, w io.Writer) error {
	containers, err := r.engine.containersOf(ctx, r.settings.Project(slice))
	if err != nil {
		return err
	}
	containers = slices.DeleteFunc(containers, func(c found) bool {
		return len(opts.Services) > 0 && !slices.Contains(opts.Services, c.service)
	})
	var width int
	for _, c := range containers {
		width = max(width, len(shortName(c)))
	}
	group, ctx := errgroup.WithContext(ctx)
	if !opts.Follow {
		group.SetLimit(1)
	}
	var mu sync.Mutex
	for _, c := range containers {
		group.Go(func() error {
			return r.engine.stream(ctx, c.id, logsOptions(opts), func(line string) error {
				mu.Lock()
				defer mu.Unlock()
				_, err := fmt.Fprintf(w, "%-*s | %s\n", width, shortName(c), line)
				return err
			})
		})
	}
	return group.Wait()
}

// shortName is the service and the number: web-1.
func shortName(c found) string { return c.service + "-" + strconv.Itoa(c.number) }

// wholeLog asks for all lines until the container ends.
var wholeLog = container.LogsOptions{ShowStdout: true, ShowStderr: true, Follow: true}

func logsOptions(opts deploy.LogOptions) container.LogsOptions {
	out := container.LogsOptions{ShowStdout: true, ShowStderr: true, Follow: opts.Follow, Timestamps: opts.Timestamps}
	if opts.Tail > 0 {
		out.Tail = strconv.Itoa(opts.Tail)
	}
	if !opts.Since.IsZero() {
		out.Since = opts.Since.Format(time.RFC3339Nano)
	}
	return out
}

// stream calls line for each line of the container's log. A cancelled ctx is the normal end of following.
func (e *Engine) stream(ctx context.Context, id string, opts container.LogsOptions, line func(string) error) error {
	i, err := e.inspect(ctx, id)
	if err != nil {
		return err
	}
	body, err := e.client.ContainerLogs(ctx, id, opts)
	if err != nil {
		return fmt.Errorf("read log: %w", e.explain(err))
	}
	defer body.Close()
	if i.Config.Tty {
		sink := &lineSink{line: line}
		_, err = io.Copy(sink, body)
		err = errors.Join(err, sink.flush())
	} else {
		err = demultiplex(body, line)
	}
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("read log: %w", err)
	}
	return nil
}

// demultiplex takes the engine's interleaved stream apart, so that a line is never mixed of both outputs.
func demultiplex(body io.Reader, line func(string) error) error {
	out, errs := &lineSink{line: line}, &lineSink{line: line}
	_, err := stdcopy.StdCopy(out, errs, body)
	return errors.Join(err, out.flush(), errs.flush())
}

// tail returns the last n lines of the container's log.
func (e *Engine) tail(ctx context.Context, id string, n int) ([]string, error) {
	var lines []string
	opts := logsOptions(deploy.LogOptions{Tail: n})
	err := e.stream(ctx, id, opts, func(text string) error {
		lines = append(lines, text)
		return nil
	})
	return lines[max(0, len(lines)-n):], err
}
