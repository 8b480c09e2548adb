package nginx

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"verdigris/internal/testkit"
)

// routerCommand is how docker-compose.shared.yml starts the router, its stale sockets removed first. The arguments are
// the two directories as the nginx process sees them.
func routerCommand(confDir, runDir string) []string {
	return []string{"sh", "-c", "rm -f " + runDir + "/router*.sock && exec nginx -c " + confDir + "/" + routerFile + " -g 'daemon off;'"}
}

// edgeCommand is how it starts the edge.
func edgeCommand(confDir string) []string {
	return []string{"nginx", "-c", confDir + "/" + edgeFile, "-g", "daemon off;"}
}

func TestTheComposeFileStartsNginxAsTheseTestsDo(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../docker-compose.shared.yml")
	testkit.Must(t, err)
	testkit.Contains(t, string(content), routerCommand(ContainerConfDir, ContainerRunDir)[2],
		"["+strings.Join(edgeCommand(ContainerConfDir), ", ")+"]")
}

// localProcess is an nginx on this machine, for tests without containers. It reads /proc, so it works on Linux.
type localProcess struct {
	// PIDFile holds the master's process id, e.g. router.pid in the run directory.
	PIDFile string
	// Binary is the nginx to test configurations with; empty takes the one in PATH.
	Binary string
}

// Test runs nginx -t.
func (p localProcess) Test(ctx context.Context, file string) error {
	binary := p.Binary
	if binary == "" {
		binary = "nginx"
	}
	output, err := runCommand(ctx, binary, "-e", "stderr", "-t", "-q", "-c", file)
	if err != nil {
		return refused(file, output, err)
	}
	return nil
}

// Reload sends SIGHUP to the master.
func (p localProcess) Reload(context.Context) error {
	pid, err := p.master()
	if err != nil {
		return fmt.Errorf("reload nginx: %w", err)
	}
	if err := syscall.Kill(pid, syscall.SIGHUP); err != nil {
		return fmt.Errorf("reload nginx: %w", err)
	}
	return nil
}

// Retire sends SIGQUIT to the workers.
func (p localProcess) Retire(_ context.Context, workers []Worker) error {
	for _, w := range workers {
		pid, err := strconv.Atoi(w.PID)
		if err != nil {
			return err
		}
		if err := syscall.Kill(pid, syscall.SIGQUIT); err != nil {
			return err
		}
	}
	return nil
}

// Workers lists the children of the master.
func (p localProcess) Workers(context.Context) ([]Worker, error) {
	master, err := p.master()
	if err != nil {
		return nil, fmt.Errorf("list nginx workers: %w", err)
	}
	// Faster than a look at every process of a busy machine, while requests wait (proc_pid_children(5)).
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", master, master))
	if err != nil {
		return nil, fmt.Errorf("list nginx workers: %w", err)
	}
	var workers []Worker
	for _, pid := range strings.Fields(string(children)) {
		if w, ok := worker(pid, title(pid)); ok {
			workers = append(workers, w)
		}
	}
	return workers, nil
}

// Connections reads the kernel's list of the machine's sockets.
func (p localProcess) Connections(context.Context) ([]Connection, error) {
	var lists strings.Builder
	for range 2 {
		list, err := os.ReadFile(unixSockets)
		if err != nil {
			return nil, err
		}
		lists.Write(list)
	}
	return connections(lists.String()), nil
}

// master returns the process id in the pid file, once it is sure that an nginx master has it: a killed
// nginx leaves its file behind, and the number may belong to somebody else by now.
func (p localProcess) master() (int, error) {
	content, err := os.ReadFile(p.PIDFile)
	if errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("%w: there is no %s", ErrNotRunning, p.PIDFile)
	}
	if err != nil {
		return 0, fmt.Errorf("read process id: %w", err)
	}
	text := strings.TrimSpace(string(content))
	pid, err := strconv.Atoi(text)
	if err != nil || pid <= 1 {
		return 0, fmt.Errorf("read process id: %s holds %q", p.PIDFile, text)
	}
	if !isMaster(title(text)) {
		return 0, fmt.Errorf("%w: the process %d of %s is gone", ErrNotRunning, pid, p.PIDFile)
	}
	return pid, nil
}

func title(pid string) string {
	content, _ := os.ReadFile("/proc/" + pid + "/cmdline") // a process that has ended has no title
	return strings.ReplaceAll(string(content), "\x00", " ")
}
