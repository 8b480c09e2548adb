package nginx

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

const maxOutput = 8 << 10 // of a command, in bytes: enough for nginx's complaints

// runCommand runs argv without a shell and returns what it printed. A command that outlives ctx is killed.
func runCommand(ctx context.Context, argv ...string) (string, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.WaitDelay = time.Second // do not wait for a grandchild that keeps the output open
	out := &tail{}
	cmd.Stdout, cmd.Stderr = out, out
	err := cmd.Run()
	output := strings.TrimSpace(string(out.bytes))
	switch {
	case err == nil:
		return output, nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return output, fmt.Errorf("%s did not end in time", argv[0])
	case ctx.Err() != nil:
		return output, fmt.Errorf("%s was stopped: %w", argv[0], ctx.Err())
	}
	return output, fmt.Errorf("%s: %w", argv[0], err)
}

// tail keeps the last bytes that are written to it.
type tail struct{ bytes []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.bytes = append(t.bytes, p...)
	if extra := len(t.bytes) - maxOutput; extra > 0 {
		t.bytes = t.bytes[extra:]
	}
	return len(p), nil
}
