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
	"github.com/docker/docker/api/types/filters"
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

// history hands on what the containers have printed until now. It holds a few lines of each in memory, not the logs.
func (l *logReader) history(ctx context.Context, containers []found) error {
	group, ctx := errgroup.WithContext(ctx)
	logs := make([]chan LogLine, len(containers))
	for i, c := range containers {
		logs[i] = make(chan LogLine, 16)
		group.Go(func() error {
			defer close(logs[i])
			return l.read(ctx, c, container.LogsOptions{Since: since(l.opts.Since), Tail: lastOf(l.opts.Tail)}, func(line LogLine) error {
				select {
				case logs[i] <- line:
					return nil
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			})
		})
	}
	group.Go(func() error {
		return merge(logs, func(i int, line LogLine) error { return l.tell(containers[i], line) })
	})
	return group.Wait()
}

// merge calls each with the lines of all logs in the order of time. Each log is in that order already.
func merge(logs []chan LogLine, each func(i int, line LogLine) error) error {
	heads := map[int]LogLine{}
	next := func(i int) {
		if line, ok := <-logs[i]; ok {
			heads[i] = line
		} else {
			delete(heads, i)
		}
	}
	for i := range logs {
		next(i)
	}
	for len(heads) > 0 {
		first := -1
		for i, head := range heads {
			if first < 0 || head.Time.Before(heads[first].Time) || head.Time.Equal(heads[first].Time) && i < first {
				first = i
			}
		}
		if err := each(first, heads[first]); err != nil {
			return err
		}
		next(first)
	}
	return nil
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

// follow hands on what the container prints from now on, unless somebody does so already, and goes on after a restart.
func (l *logReader) follow(ctx context.Context, group *errgroup.Group, c found) {
	if !l.take(c.id) {
		return
	}
	group.Go(func() error {
		for {
			err := l.readOn(ctx, c)
			l.release(c.id)
			if err != nil || ctx.Err() != nil {
				return err
			}
			// It may have been started again while the end of its log was still awaited.
			i, err := l.engine.inspect(ctx, c.id)
			if errdefs.IsNotFound(err) || ctx.Err() != nil {
				return nil
			}
			if err != nil || !i.State.Running || !l.take(c.id) {
				return err
			}
		}
	})
}

// readOn reads on after the container's mark. The engine takes the moment of the mark as included.
func (l *logReader) readOn(ctx context.Context, c found) error {
	l.mu.Lock()
	m := l.marks[c.id]
	l.mu.Unlock()
	from := m.at
	if from.IsZero() {
		from = l.opts.Since
	}
	return l.read(ctx, c, container.LogsOptions{Follow: true, Since: since(from)}, func(line LogLine) error {
		if line.Time.Equal(m.at) && m.lines > 0 {
			m.lines--
			return nil
		}
		return l.tell(c, line)
	})
}

func (l *logReader) take(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	free := !l.following[id]
	l.following[id] = true
	return free
}

func (l *logReader) release(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.following, id)
}

// watch follows each container of the project that starts, until ctx ends.
func (l *logReader) watch(ctx context.Context, group *errgroup.Group, starts <-chan events.Message, failed <-chan error) error {
	for {
		select {
		case m := <-starts:
			c := foundIn(m)
			if c.labels[labelOneOff] == "False" && chosen(l.opts.Services, c.service) {
				l.follow(ctx, group, c)
			}
		case err := <-failed:
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("watch for containers that start: %w", l.engine.explain(err))
		}
	}
}

// starts tells of every container of the project that is started from now on.
func (e *Engine) starts(ctx context.Context, project string) (<-chan events.Message, <-chan error) {
	return e.client.Events(ctx, events.ListOptions{Filters: filters.NewArgs(
		filters.Arg("type", string(events.ContainerEventType)),
		filters.Arg("event", string(events.ActionStart)),
		filters.Arg("label", ownedBy(project)),
	)})
}

// foundIn reads a container from an event about it, whose attributes are its labels and its name.
func foundIn(m events.Message) found {
	labels := m.Actor.Attributes
	number, _ := strconv.Atoi(labels[labelNumber])
	return found{id: m.Actor.ID, name: labels["name"], service: labels[labelService], number: number, labels: labels}
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
