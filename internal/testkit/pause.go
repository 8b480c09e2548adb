package testkit

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// unpauseTimeout is how long the Engine may take to let a container go on.
const unpauseTimeout = 15 * time.Second

// Pause stops all processes of a container, as docker pause does, and returns what lets them go on.
//
// An exec that begins while an Engine 20.10 pauses its container is frozen half-way, and holds a lock that the way back needs: the
// container stays paused for good. That is not what these tests are about, so it is undone in the kernel's control groups.
func Pause(t testing.TB, container string) (unpause func()) {
	t.Helper()
	pid := Docker(t, "inspect", "-f", "{{.State.Pid}}", container)
	Docker(t, "pause", container)
	return func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), 2*unpauseTimeout)
		defer cancel()
		first := exec.CommandContext(ctx, "docker", "unpause", container)
		over := make(chan error, 1)
		go func() { over <- first.Run() }()
		select {
		case err := <-over:
			if err != nil {
				t.Errorf("unpause %s: %v", container, err)
			}
			return
		case <-time.After(unpauseTimeout):
		}
		t.Logf("%s cannot be unpaused: an exec began while it was paused", container)
		freezer := freezerOf(t, pid)
		freezer.write(t, false)
		<-over
		freezer.write(t, true) // the Engine lets go on only what it finds frozen
		Docker(t, "unpause", container)
	}
}

// freezer is the file by which the kernel freezes the processes of a container, and what to write there
// (https://docs.kernel.org/admin-guide/cgroup-v1/freezer-subsystem.html, .../cgroup-v2.html).
type freezer struct{ path, thawed, frozen string }

func freezerOf(t testing.TB, pid string) freezer {
	t.Helper()
	for line := range strings.Lines(Read(t, "/proc/"+pid+"/cgroup")) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		for _, f := range []freezer{
			{filepath.Join("/sys/fs/cgroup/freezer", fields[2], "freezer.state"), "THAWED", "FROZEN"},
			{filepath.Join("/sys/fs/cgroup", fields[2], "cgroup.freeze"), "0", "1"},
		} {
			if _, err := os.Stat(f.path); err == nil {
				return f
			}
		}
	}
	t.Fatalf("process %s is in no control group that can be frozen", pid)
	return freezer{}
}

func (f freezer) write(t testing.TB, isFrozen bool) {
	t.Helper()
	state := f.thawed
	if isFrozen {
		state = f.frozen
	}
	Must(t, os.WriteFile(f.path, []byte(state), 0o644))
}
