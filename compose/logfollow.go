package compose

import (
	"context"
	"fmt"
	"strconv"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	"golang.org/x/sync/errgroup"
)

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
