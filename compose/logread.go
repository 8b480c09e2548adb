package compose

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"golang.org/x/sync/errgroup"

	"verdigris/deploy"
)

// ReadLog calls each for every line that the slice's containers printed, one call at a time and in the order of time; an
// empty slice means the services that the slices share. Following, it goes on with the lines as they come, those of
// containers that start later too, until ctx ends. Without following, a slice that has no containers is a
// deploy.ConflictError.
func (r *Runtime) ReadLog(ctx context.Context, slice deploy.Slice, opts deploy.LogOptions, each func(LogLine) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l := &logReader{engine: r.engine, opts: opts, each: each, marks: map[string]mark{}, following: map[string]bool{}}
	var starts <-chan events.Message
	var failed <-chan error
	if opts.Follow { // before the containers are listed: none may start unseen in between
		starts, failed = r.engine.starts(ctx, r.projectOf(slice))
	}
	containers, err := r.logged(ctx, slice, opts.Services)
	if err != nil {
		return err
	}
	if len(containers) == 0 && !opts.Follow {
		return noContainers(slice)
	}
	if err := l.history(ctx, containers); err != nil || !opts.Follow {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, c := range containers {
		l.follow(ctx, group, c)
	}
	group.Go(func() error { return l.watch(ctx, group, starts, failed) })
	return group.Wait()
}

// logReader reads the logs of one project.
type logReader struct {
	engine *Engine
	opts   deploy.LogOptions
	each   func(LogLine) error

	mu        sync.Mutex
	marks     map[string]mark // by container id
	following map[string]bool // by container id
}

// mark is how far a container's log has been handed on: the moment of the last line, and how many lines were of it.
type mark struct {
	at    time.Time
	lines int
}

// tell hands a line on.
func (l *logReader) tell(c found, line LogLine) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.marks[c.id]
	if !line.Time.Equal(m.at) {
		m = mark{at: line.Time}
	}
	m.lines++
	l.marks[c.id] = m
	return l.each(line)
}

// read calls each for the lines of one container. A container that is gone has none, and a log that cannot be read is told
// in its place.
func (l *logReader) read(ctx context.Context, c found, opts container.LogsOptions, each func(LogLine) error) error {
	err := l.engine.stream(ctx, c.id, opts, func(at time.Time, text string) error {
		return each(LogLine{c.source(), at, text})
	})
	switch {
	case errdefs.IsNotFound(err) || ctx.Err() != nil:
		return nil
	case errors.Is(err, errUnreadable) && opts.Follow:
		return nil
	case errors.Is(err, errUnreadable):
		return each(LogLine{c.source(), time.Now(), fmt.Sprintf("(%v)", err)})
	}
	return err
}

// since writes a moment as the engine reads it; zero means from the beginning.
func since(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

// lastOf writes a number of lines; 0 means all.
func lastOf(n int) string {
	if n == 0 {
		return "all"
	}
	return strconv.Itoa(n)
}
