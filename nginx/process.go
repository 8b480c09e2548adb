package nginx

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"verdigris/deploy"
)

// Process is a running nginx.
type Process interface {
	// Test lets nginx check the main configuration file at that path, as nginx sees it, and changes nothing. Where
	// nginx refuses it, the error carries what nginx said.
	Test(ctx context.Context, file string) error
	// Reload asks nginx to load its configuration again, and does not wait until it has.
	Reload(ctx context.Context) error
	// Retire asks workers to take no more connections, and to end when their requests have.
	Retire(ctx context.Context, workers []Worker) error
	// Workers lists the worker processes. It returns ErrNotRunning where there was seen to be no nginx.
	Workers(ctx context.Context) ([]Worker, error)
	// A request that finds no gate takes one more hop, from the router to itself.
	Clients
}

// Worker is one worker process of an nginx.
type Worker struct {
	PID string
	// Draining tells that it takes no more connections and ends when its requests have.
	Draining bool
}

// ErrNotRunning means that an nginx was seen not to run: no request goes anywhere until it starts, and it starts with the
// files as they are then. One that stands still, or that nobody can ask about, is not one of these.
var ErrNotRunning = errors.New("nginx is not running")

// worker reads a process title as nginx sets it (ngx_setproctitle in ngx_process_cycle.c).
func worker(pid, title string) (w Worker, ok bool) {
	if !strings.Contains(title, "nginx: worker process") {
		return Worker{}, false
	}
	return Worker{PID: pid, Draining: strings.Contains(title, "is shutting down")}, true
}

func isMaster(title string) bool { return strings.Contains(title, "nginx: master process") }

// accepting returns those that take connections.
func accepting(workers []Worker) []Worker {
	return slices.DeleteFunc(slices.Clone(workers), func(w Worker) bool { return w.Draining })
}

// refused is the error of a configuration that nginx did not take.
func refused(file, output string, err error) error {
	said := strings.TrimSpace(strings.ReplaceAll(output, "nginx: configuration file "+file+" test failed", ""))
	if said == "" {
		return fmt.Errorf("test %s: %w", file, err)
	}
	return fmt.Errorf("test %s: nginx refuses it: %s", file, said)
}

// startHint says what to do about an nginx that does not run.
func startHint(err error) error {
	return &deploy.HintedError{Err: err, Next: "start the router with: verdigris up, and look at its log if it does not stay up"}
}
