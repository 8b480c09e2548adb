package compose

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
)

// shell is a POSIX shell that waits in a container for one line of commands after the other. Starting a command in a
// container costs the engine some 50 ms, a line to a shell that is there costs less than one: while requests wait at
// the gate, that is most of their wait.
type shell struct {
	execID string
	conn   types.HijackedResponse
	output *bufio.Reader
	marker string // a line that begins with it ends the output of a command
}

// errNoShell means that the container has no shell to talk to.
var errNoShell = errors.New("there is no shell in the container")

// openShell starts a shell in the container. Whether the image has one shows when the first line is sent.
func (e *Engine) openShell(ctx context.Context, id string) (*shell, error) {
	made, err := e.client.ContainerExecCreate(ctx, id, container.ExecOptions{
		Cmd: []string{"sh"}, AttachStdin: true, AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		return nil, err
	}
	conn, err := e.client.ContainerExecAttach(ctx, made.ID, container.ExecAttachOptions{})
	if err != nil {
		return nil, err
	}
	reader, writer := io.Pipe()
	go func() {
		_, err := stdcopy.StdCopy(writer, writer, conn.Reader)
		writer.CloseWithError(err)
	}()
	return &shell{execID: made.ID, conn: conn, output: bufio.NewReader(reader), marker: rand.Text()}, nil
}

// run has the shell run one line of commands, and returns what they printed and the status of the last one. After an
// error the shell is of no more use. Ending ctx ends the shell.
func (s *shell) run(ctx context.Context, line string) (output string, status int, err error) {
	defer context.AfterFunc(ctx, s.conn.Close)()
	if _, err := fmt.Fprintf(s.conn.Conn, "%s\nprintf '\\n%s %%s\\n' $?\n", line, s.marker); err != nil {
		return "", 0, s.cause(ctx, err)
	}
	var printed strings.Builder
	for {
		text, err := s.output.ReadString('\n')
		if err != nil {
			return "", 0, s.cause(ctx, err)
		}
		if end, ok := strings.CutPrefix(text, s.marker+" "); ok {
			status, err = strconv.Atoi(strings.TrimSpace(end))
			return strings.TrimSpace(printed.String()), status, err
		}
		printed.WriteString(text)
	}
}

// cause prefers the reason that the caller knows.
func (s *shell) cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// close ends the shell: it reads the end of its input.
func (s *shell) close() { s.conn.Close() }

// shellIdle is how long a shell stays after its last line. A cutover says all that it has to say within that time.
const shellIdle = 10 * time.Second

// say runs one line of commands in the shell that is kept for the container, and opens one where there is none or
// where it went with its container.
func (c *Container) say(ctx context.Context, line string) (string, int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if kept := c.shell; kept != nil {
		c.idle.Stop()
		output, status, err := kept.run(ctx, line)
		if err == nil {
			c.idle.Reset(shellIdle)
			return output, status, nil
		}
		c.drop()
		if ctx.Err() != nil {
			return "", 0, err
		}
	}
	f, err := c.find(ctx)
	if err != nil {
		return "", 0, err
	}
	opened, err := c.engine.openShell(ctx, f.id)
	if err != nil {
		return "", 0, err
	}
	output, status, err := opened.run(ctx, line)
	if err != nil {
		opened.close()
		return "", 0, c.engine.whyEnded(ctx, opened, err)
	}
	c.keep(opened)
	return output, status, nil
}

func (c *Container) keep(s *shell) {
	c.shell = s
	c.idle = time.AfterFunc(shellIdle, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.shell == s {
			c.drop()
		}
	})
}

func (c *Container) drop() {
	c.shell.close()
	c.shell = nil
}

// whyEnded tells a container without a shell from one that went away.
func (e *Engine) whyEnded(ctx context.Context, s *shell, err error) error {
	i, inspectErr := e.client.ContainerExecInspect(ctx, s.execID)
	if inspectErr == nil && (i.ExitCode == cannotExecute || i.ExitCode == notFound) {
		return errNoShell
	}
	return err
}
