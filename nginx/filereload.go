package nginx

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"
)

// test lets the nginx behind the include file check its configuration.
func (r *FileRouter) test(ctx context.Context) error {
	argv := r.Test
	if r.Container != nil && len(argv) == 0 {
		argv = []string{"nginx", "-t", "-q"}
	}
	if len(argv) == 0 {
		return nil
	}
	return r.run(ctx, "test nginx configuration", r.TestTimeout, argv)
}

// reload lets it load the file: by the command where there is one, or by a signal to the container.
func (r *FileRouter) reload(ctx context.Context) error {
	if len(r.Reload) > 0 {
		return r.run(ctx, "reload nginx", r.ReloadTimeout, r.Reload)
	}
	ctx, cancel := withTimeout(ctx, r.ReloadTimeout)
	defer cancel()
	if err := r.Container.Signal(ctx, "SIGHUP"); err != nil {
		return fmt.Errorf("reload nginx: %w", err)
	}
	return nil
}

// run runs the command in the container or, without one, on this machine.
func (r *FileRouter) run(ctx context.Context, what string, timeout time.Duration, argv []string) error {
	ctx, cancel := withTimeout(ctx, timeout)
	defer cancel()
	command := runCommand
	if r.Container != nil {
		command = r.Container.Exec
	}
	output, err := command(ctx, argv...)
	if err == nil {
		return nil
	}
	if strings.Contains(err.Error(), output) { // a container's errors carry the output
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%s: %w: %s", what, err, output)
}

func withTimeout(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, cmp.Or(timeout, 10*time.Second))
}
