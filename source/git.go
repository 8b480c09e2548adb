package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"verdigris/deploy"
)

// maxOutput is more than any answer that is read as text: ls-remote of three refs, or one line about a commit.
const maxOutput = 1 << 20

// command is one run of git.
type command struct {
	verb    string // what it does, for the error: "fetch commit"
	args    []string
	timeout time.Duration
	stdin   string
	read    func(io.Reader) error // takes the output; nil where it is returned as text
	lock    *os.File
	log     deploy.Log
}

// run runs git to its end and returns its output. When ctx is over, git and everything that it started are killed.
func (r *Repository) run(parent context.Context, c command) (string, error) {
	ctx, cancel := context.WithTimeout(parent, c.timeout)
	defer cancel()
	cmd, messages, err := r.process(ctx, c)
	if err != nil {
		return "", fmt.Errorf("%s: %w", c.verb, err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return "", fmt.Errorf("%s: %w", c.verb, err)
	}
	if err := cmd.Start(); err != nil {
		return "", notStarted(c.verb, err)
	}
	var text strings.Builder
	if c.read == nil {
		c.read = func(out io.Reader) error {
			_, err := io.Copy(&text, io.LimitReader(out, maxOutput))
			return err
		}
	}
	readErr := c.read(output)
	if readErr != nil {
		cancel() // nobody reads on, so git would wait for ever
	}
	waitErr := cmd.Wait()
	messages.flush()
	switch {
	case parent.Err() != nil:
		return "", fmt.Errorf("%s: %w", c.verb, context.Cause(parent))
	case readErr != nil:
		return "", fmt.Errorf("%s: %w", c.verb, readErr)
	case ctx.Err() != nil:
		return "", tooSlow(c, messages.lines)
	case waitErr != nil:
		return "", failure(c.verb, waitErr, messages.lines)
	}
	return text.String(), nil
}

// process is git, ready to be started, and where its messages go.
func (r *Repository) process(ctx context.Context, c command) (*exec.Cmd, *tail, error) {
	env, token, err := r.environment()
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(ctx, r.Git, c.args...)
	cmd.Dir, cmd.Env, cmd.Stdin = r.dir, env, strings.NewReader(c.stdin)
	if c.lock != nil {
		cmd.ExtraFiles = []*os.File{c.lock}
	}
	killGroupOnCancel(cmd)
	messages := &tail{log: c.log, secret: token}
	cmd.Stderr = messages
	return cmd, messages, nil
}

// killGroupOnCancel gives git a process group of its own, so that the ssh or index-pack below it ends with it.
func killGroupOnCancel(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 5 * time.Second
	cmd.Cancel = func() error {
		err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		if errors.Is(err, syscall.ESRCH) {
			return os.ErrProcessDone
		}
		return err
	}
}

// Version returns git's version, or an error when there is no git that is new enough to be used.
func (r *Repository) Version(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, r.LocalTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, r.Git, "version").Output()
	if err != nil {
		return "", notStarted("ask git for its version", err)
	}
	version := strings.TrimSpace(strings.TrimPrefix(string(out), "git version "))
	var major, minor int
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil || major < 2 || major == 2 && minor < 32 {
		return version, &deploy.HintedError{
			Err:  fmt.Errorf("git %s is too old: GIT_CONFIG_GLOBAL came with 2.32", version),
			Next: "install git 2.32 or newer",
		}
	}
	return version, nil
}
