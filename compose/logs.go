package compose

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"

	"verdigris/deploy"
)

// LogSource is a container whose log is read.
type LogSource struct {
	Container string // its full name, e.g. shop-blue-web-1
	Service   string
	Number    int // of the service's containers, from 1
}

// Short is the service and the number, as people know it from Docker Compose: web-1.
func (s LogSource) Short() string { return s.Service + "-" + strconv.Itoa(s.Number) }

// LogLine is one line that a container printed.
type LogLine struct {
	LogSource
	Time time.Time // when the engine got it
	Text string
}

// Logs writes the slice's container logs to w, each line after its container's short name, in the order of ReadLog.
func (r *Runtime) Logs(ctx context.Context, slice deploy.Slice, opts deploy.LogOptions, w io.Writer) error {
	sources, err := r.LogSources(ctx, slice, opts.Services)
	if err != nil {
		return err
	}
	var width int
	for _, s := range sources {
		width = max(width, len(s.Short()))
	}
	return r.ReadLog(ctx, slice, opts, func(l LogLine) error {
		text := l.Text
		if opts.Timestamps {
			text = l.Time.Format(time.RFC3339Nano) + " " + text
		}
		_, err := fmt.Fprintf(w, "%-*s | %s\n", width, l.Short(), text)
		return err
	})
}

// LogSources returns the slice's containers, of all services when none is named. An empty slice means the services that the
// slices share. A service that the slice does not have is a deploy.InputError; there may be no container at all.
func (r *Runtime) LogSources(ctx context.Context, slice deploy.Slice, services []string) ([]LogSource, error) {
	containers, err := r.logged(ctx, slice, services)
	var sources []LogSource
	for _, c := range containers {
		sources = append(sources, c.source())
	}
	return sources, err
}

// logged returns the containers of the slice whose logs are asked for.
func (r *Runtime) logged(ctx context.Context, slice deploy.Slice, services []string) ([]found, error) {
	containers, err := r.engine.containersOf(ctx, r.projectOf(slice))
	if err != nil || len(containers) == 0 {
		return nil, err
	}
	known := map[string]bool{}
	for _, c := range containers {
		known[c.service] = true
	}
	for _, name := range services {
		if !known[name] {
			return nil, &deploy.InputError{Reason: fmt.Sprintf("%s has no service %s; it has %s", called(slice), name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))}
		}
	}
	// What is set aside has said its last words about another release.
	return slices.DeleteFunc(containers, func(c found) bool { return !chosen(services, c.service) || c.setAside() && c.ended() }), nil
}

func (r *Runtime) projectOf(slice deploy.Slice) string {
	if slice == "" {
		return r.settings.SharedProject()
	}
	return r.settings.Project(slice)
}

// called names a slice or the shared services for people.
func called(slice deploy.Slice) string {
	if slice == "" {
		return "the shared project"
	}
	return "slice " + string(slice)
}

func chosen(services []string, service string) bool {
	return len(services) == 0 || slices.Contains(services, service)
}

func (f found) source() LogSource { return LogSource{f.name, f.service, f.number} }

// noContainers is the error about a log that nobody writes.
func noContainers(slice deploy.Slice) error {
	next := fmt.Sprintf("deploy to it: verdigris deploy %s", slice)
	if slice == "" {
		next = "start them: verdigris up"
	}
	return &deploy.ConflictError{Reason: called(slice) + " has no containers", Next: next}
}

// tail returns the last n lines of the container's log.
func (e *Engine) tail(ctx context.Context, id string, n int) ([]string, error) {
	last := newRing(n)
	err := e.stream(ctx, id, container.LogsOptions{Tail: strconv.Itoa(n)}, func(_ time.Time, text string) error {
		last.add(text)
		return nil
	})
	return last.lines, err
}
