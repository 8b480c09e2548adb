package nginx

import (
	"context"
	"fmt"
)

// Container is a container that runs nginx, as the package needs it.
type Container interface {
	// Exec runs a command in the container. A status other than 0 is an error that carries the output.
	Exec(ctx context.Context, argv ...string) (output string, err error)
	// Signal sends a signal, e.g. "SIGHUP", to the processes with those ids, as Processes has them; without any, to the
	// container's first process, which must be the nginx master.
	Signal(ctx context.Context, signal string, ids ...string) error
	// Processes lists process ids and command lines, titles that processes have given themselves among them.
	Processes(ctx context.Context) ([][2]string, error)
	// Read returns the content of files in the container, one after the other.
	Read(ctx context.Context, files ...string) (string, error)
	// Down reports whether the container was seen to have no process. One that is paused has, and of one that nobody can
	// ask about nothing is known: that is an error.
	Down(ctx context.Context) (bool, error)
}

// ContainerProcess is an nginx in a container.
type ContainerProcess struct{ Container Container }

// Test runs nginx -t in the container.
func (p ContainerProcess) Test(ctx context.Context, file string) error {
	output, err := p.Container.Exec(ctx, "nginx", "-e", "stderr", "-t", "-q", "-c", file)
	if err == nil {
		return nil
	}
	if _, gone := p.Workers(ctx); gone != nil {
		return gone // nginx had no chance to refuse anything
	}
	return refused(file, output, err)
}

// Reload sends SIGHUP to the container.
func (p ContainerProcess) Reload(ctx context.Context) error {
	if err := p.Container.Signal(ctx, "SIGHUP"); err != nil {
		return fmt.Errorf("reload nginx: %w", err)
	}
	return nil
}

// Retire sends SIGQUIT to the workers.
func (p ContainerProcess) Retire(ctx context.Context, workers []Worker) error {
	if len(workers) == 0 {
		return nil
	}
	ids := make([]string, len(workers))
	for i, w := range workers {
		ids[i] = w.PID
	}
	if err := p.Container.Signal(ctx, "SIGQUIT", ids...); err != nil {
		return fmt.Errorf("retire nginx workers: %w", err)
	}
	return nil
}

// Workers reads the list of the container's processes.
func (p ContainerProcess) Workers(ctx context.Context) ([]Worker, error) {
	processes, err := p.Container.Processes(ctx)
	if err != nil {
		return nil, p.whyUnread(ctx, err)
	}
	var workers []Worker
	running := false
	for _, process := range processes {
		running = running || isMaster(process[1])
		if w, ok := worker(process[0], process[1]); ok {
			workers = append(workers, w)
		}
	}
	if !running && len(workers) == 0 {
		return nil, fmt.Errorf("list nginx workers: %w: its container has no master process", ErrNotRunning)
	}
	return workers, nil
}

// whyUnread tells a container that is down from one whose processes could not be read for another reason: it is paused, the
// Engine is away or slow. What such a router does is not known, and it may do it any moment.
func (p ContainerProcess) whyUnread(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("list nginx workers: %w", context.Cause(ctx))
	}
	if down, unknown := p.Container.Down(ctx); unknown == nil && down {
		return fmt.Errorf("list nginx workers: %w: %w", ErrNotRunning, err)
	}
	return fmt.Errorf("list nginx workers: %w", err)
}

// Connections reads the kernel's list of the container's sockets.
func (p ContainerProcess) Connections(ctx context.Context) ([]Connection, error) {
	lists, err := p.Container.Read(ctx, unixSockets, unixSockets)
	if err == nil {
		return connections(lists), nil
	}
	if _, gone := p.Workers(ctx); gone != nil {
		return nil, gone // there is nothing to read from
	}
	return nil, fmt.Errorf("list connections: %w", err)
}
