package compose

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"

	"verdigris/deploy"
)

// Container is the running container of one shared service. It outlives a recreation of the container. It may be used from
// several goroutines.
type Container struct {
	engine  *Engine
	project string
	service string

	mu    sync.Mutex
	shell *shell      // nil while none is kept
	idle  *time.Timer // ends it
}

// What a command's status says when it was not run, as shells have it (POSIX, Shell Command Language, section 2.8.2).
const (
	cannotExecute = 126
	notFound      = 127
)

// SharedContainer returns the container of a service of the shared project. Whether it runs shows at the first call.
func (r *Runtime) SharedContainer(service string) *Container {
	return &Container{engine: r.engine, project: r.settings.SharedProject(), service: service}
}

// Exec runs a command in the container and returns what it printed, errors included. A status other than 0 is an
// error that carries the output.
func (c *Container) Exec(ctx context.Context, argv ...string) (string, error) {
	f, err := c.find(ctx)
	if err != nil {
		return "", err
	}
	verb := fmt.Sprintf("run %s in container %s", argv[0], f.name)
	var output bytes.Buffer
	status := 0
	err = c.engine.do(ctx, verb, func(ctx context.Context) error {
		status, err = c.engine.exec(ctx, f.id, container.ExecOptions{Cmd: argv}, &output, &output)
		return err
	})
	text := strings.TrimSpace(output.String())
	if err == nil && status != 0 {
		err = fmt.Errorf("%s: status %d: %s", verb, status, text)
	}
	return text, err
}

// exec runs a command in the container, writes what it prints and returns its status.
func (e *Engine) exec(ctx context.Context, id string, command container.ExecOptions, out, errs io.Writer) (status int, err error) {
	command.AttachStdout, command.AttachStderr = true, true
	made, err := e.client.ContainerExecCreate(ctx, id, command)
	if err != nil {
		return 0, err
	}
	stream, err := e.client.ContainerExecAttach(ctx, made.ID, container.ExecAttachOptions{})
	if err != nil {
		return 0, err
	}
	defer stream.Close()
	// A hijacked connection does not know of ctx: closing it ends the read.
	defer context.AfterFunc(ctx, stream.Close)()
	if _, err := stdcopy.StdCopy(out, errs, stream.Reader); err != nil {
		return 0, err
	}
	done, err := e.client.ContainerExecInspect(ctx, made.ID)
	return done.ExitCode, err
}

// Signal sends the signal, e.g. SIGHUP, to the processes with those ids, as Processes has them; without any, to the
// container's first process. It does so from inside: an engine that is asked to send any signal takes the container for
// one that was stopped on purpose, and no longer restarts it when it dies or when the machine comes up. An image without
// a shell leaves no other way, and none at all to any but the first process.
func (c *Container) Signal(ctx context.Context, signal string, ids ...string) error {
	verb := fmt.Sprintf("send %s to service %s", signal, c.service)
	return c.engine.do(ctx, verb, func(ctx context.Context) error {
		output, status, err := c.say(ctx, killLine(signal, ids))
		if errors.Is(err, errNoShell) && len(ids) == 0 {
			return c.signalFromOutside(ctx, signal)
		}
		if err == nil && status != 0 {
			err = fmt.Errorf("status %d: %s", status, output)
		}
		return err
	})
}

func killLine(signal string, ids []string) string {
	if len(ids) == 0 {
		ids = []string{"1"}
	}
	return "kill -s " + strings.TrimPrefix(signal, "SIG") + " " + strings.Join(ids, " ") + " 2>&1"
}

func (c *Container) signalFromOutside(ctx context.Context, signal string) error {
	f, err := c.find(ctx)
	if err != nil {
		return err
	}
	return c.engine.client.ContainerKill(ctx, f.id, signal)
}

// Processes returns the process id and the command line of each process in the container. The words of a command line
// may run together; a title that a process has given itself, as nginx does, is whole.
func (c *Container) Processes(ctx context.Context) ([][2]string, error) {
	var list [][2]string
	err := c.engine.do(ctx, "list the processes of service "+c.service, func(ctx context.Context) error {
		output, _, err := c.say(ctx, listProcesses)
		if errors.Is(err, errNoShell) {
			list, err = c.processesFromOutside(ctx) // with the ids that the host has for them
			return err
		}
		list = commandLines(output)
		return err
	})
	return list, err
}

// listProcesses reads the file of each process (proc(5)). It takes what the shell can do by itself: to start a program,
// such as grep, takes six times as long. The shell leaves out the zeros that end the words. Processes end in between.
const listProcesses = `for p in /proc/[0-9]*; do words=; read -r words < $p/cmdline; printf '%s %s\n' "$p" "$words"; done 2> /dev/null`

// commandLines reads lines such as "/proc/7 nginx: worker process". Processes of the kernel's have no words.
func commandLines(text string) (list [][2]string) {
	for line := range strings.Lines(text) {
		id, words, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "/proc/"), " ")
		if words != "" {
			list = append(list, [2]string{id, words})
		}
	}
	return list
}

func (c *Container) processesFromOutside(ctx context.Context) (list [][2]string, err error) {
	f, err := c.find(ctx)
	if err != nil {
		return nil, err
	}
	top, err := c.engine.client.ContainerTop(ctx, f.id, []string{"-o", "pid,args"})
	for _, row := range top.Processes {
		list = append(list, [2]string{row[0], strings.Join(row[1:], " ")})
	}
	return list, err
}

// Read returns the content of files in the container, one after the other.
func (c *Container) Read(ctx context.Context, files ...string) (content string, err error) {
	verb := "read files of service " + c.service
	err = c.engine.do(ctx, verb, func(ctx context.Context) error {
		output, status, err := c.say(ctx, catLine(files))
		if err == nil && status != 0 {
			err = fmt.Errorf("status %d: %s", status, output)
		}
		content = output
		return err
	})
	if errors.Is(err, errNoShell) {
		return c.Exec(ctx, append([]string{"cat", "--"}, files...)...)
	}
	return content, err
}

func catLine(files []string) string {
	var line strings.Builder
	line.WriteString("cat --")
	for _, file := range files {
		line.WriteString(" '" + strings.ReplaceAll(file, "'", `'\''`) + "'")
	}
	return line.String() + " 2>&1"
}

// Address returns host:port at which this machine reaches the port of the container.
func (c *Container) Address(ctx context.Context, port int) (string, error) {
	f, err := c.find(ctx)
	if err != nil {
		return "", err
	}
	i, err := c.engine.inspect(ctx, f.id)
	if err != nil {
		return "", err
	}
	ip := addressOn(i, nil)
	if ip == "" {
		return "", fmt.Errorf("container %s has no network address", f.name)
	}
	return net.JoinHostPort(ip, strconv.Itoa(port)), nil
}

// Down reports whether the Engine was seen to have no process for the service: it has no container, or one that has not
// started, has ended, or waits to be started again. One that is paused is not down.
func (c *Container) Down(ctx context.Context) (bool, error) {
	list, err := c.engine.containersOf(ctx, c.project)
	if err != nil {
		return false, err
	}
	return !slices.ContainsFunc(list, func(f found) bool {
		return f.service == c.service && !f.ended() && f.state != "restarting"
	}), nil
}

func (c *Container) find(ctx context.Context) (found, error) {
	list, err := c.engine.containersOf(ctx, c.project)
	if err != nil {
		return found{}, err
	}
	for _, f := range list {
		if f.service == c.service && f.running() {
			return f, nil
		}
	}
	for _, f := range list {
		if f.service == c.service && f.state == "paused" {
			return found{}, &deploy.HintedError{Err: fmt.Errorf("container %s is paused", f.name), Next: "docker unpause " + f.name}
		}
	}
	return found{}, &deploy.HintedError{
		Err:  fmt.Errorf("no container of service %s (project %s) is running", c.service, c.project),
		Next: "start the shared services: verdigris up",
	}
}
