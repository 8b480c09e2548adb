package nginx

import (
	"bytes"
	"os/exec"
	"sync"
	"syscall"
	"testing"

	"verdigris/internal/testkit"
)

// daemon is a process that the test started, in a process group of its own.
type daemon struct {
	cmd    *exec.Cmd
	ended  chan struct{}
	output *lockedBuffer
}

func startDaemon(t testing.TB, argv []string) *daemon {
	t.Helper()
	d := &daemon{cmd: exec.Command(argv[0], argv[1:]...), ended: make(chan struct{}), output: &lockedBuffer{}}
	d.cmd.Stdout, d.cmd.Stderr = d.output, d.output
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	testkit.Must(t, d.cmd.Start())
	go func() {
		_ = d.cmd.Wait() // how it ended is no concern of the test
		close(d.ended)
	}()
	t.Cleanup(func() {
		d.kill()
		if t.Failed() {
			t.Logf("%v printed:\n%s", argv, d.output.String())
		}
	})
	return d
}

// kill ends the whole process group at once, as when a container is killed.
func (d *daemon) kill() {
	_ = syscall.Kill(-d.cmd.Process.Pid, syscall.SIGKILL) // gone already: just as well
	<-d.ended
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
