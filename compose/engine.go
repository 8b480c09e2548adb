package compose

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"github.com/docker/docker/client"

	"verdigris/deploy"
)

// minimumAPI is the oldest Docker API that this package speaks: Engine 20.10.
const minimumAPI = "1.41"

// Engine is a connection to a Docker Engine. It may be used from several goroutines.
type Engine struct {
	client *client.Client
	// Timeout bounds each short call, such as creating a container; builds, waits and streams have their own.
	Timeout time.Duration
	// HookTimeout bounds the pre_stop hooks of one container; past it the container is stopped all the same.
	HookTimeout time.Duration
	// ConfigDir is the directory of the Docker config file with the registries' credentials; empty for the one that
	// DOCKER_CONFIG names or, without it, ~/.docker.
	ConfigDir string
	retries   backoff // of pulls
}

// Info is what the engine says about itself.
type Info struct {
	Version string // of the engine, e.g. 20.10.24
	API     string // the version spoken, e.g. 1.41
	Host    string // where the engine is reached, e.g. unix:///var/run/docker.sock
	RootDir string // where images and volumes lie on the engine's machine
	Driver  string // the storage driver, e.g. overlay2
	// Warnings are the engine's own, e.g. that it cannot limit memory.
	Warnings []string
}

// Connect reaches the engine that DOCKER_HOST (and DOCKER_TLS_VERIFY, DOCKER_CERT_PATH) names, by default the local
// socket, and agrees with it on an API version. It fails when the engine does not answer or speaks an API below 1.41.
func Connect(ctx context.Context) (*Engine, error) {
	c, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		return nil, &deploy.HintedError{
			Err:  fmt.Errorf("read the Docker settings of the environment: %w", err),
			Next: "check DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH",
		}
	}
	e := &Engine{client: c, Timeout: time.Minute, HookTimeout: 2 * time.Minute, retries: registryBackoff}
	if err := e.Ping(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return e, nil
}

// Close ends the idle connections to the engine.
func (e *Engine) Close() error { return e.client.Close() }

// Ping asks the engine whether it is there, agrees on the API version and refuses one below 1.41.
func (e *Engine) Ping(ctx context.Context) error {
	return e.do(ctx, "ping the Docker Engine", func(ctx context.Context) error {
		pong, err := e.client.Ping(ctx)
		if err != nil {
			return err
		}
		if olderThan(pong.APIVersion, minimumAPI) {
			return &deploy.HintedError{
				Err:  fmt.Errorf("the Docker Engine at %s speaks API %s, verdigris needs %s or newer", e.client.DaemonHost(), pong.APIVersion, minimumAPI),
				Next: "install Docker Engine 20.10 or newer",
			}
		}
		e.client.NegotiateAPIVersionPing(pong)
		return nil
	})
}

// api is the version of the Docker API that was agreed on.
func (e *Engine) api() string { return e.client.ClientVersion() }

// Info asks the engine about itself.
func (e *Engine) Info(ctx context.Context) (Info, error) {
	info := Info{API: e.api(), Host: e.client.DaemonHost()}
	err := e.do(ctx, "ask the Docker Engine about itself", func(ctx context.Context) error {
		i, err := e.client.Info(ctx)
		info.Version, info.RootDir, info.Driver, info.Warnings = i.ServerVersion, i.DockerRootDir, i.Driver, i.Warnings
		return err
	})
	return info, err
}

// do makes one short call with its own timeout, names it in the error, and tells cancellation from a deadline and
// from an engine that is not there.
func (e *Engine) do(ctx context.Context, verb string, call func(context.Context) error) error {
	return e.doWithin(ctx, e.Timeout, verb, call)
}

// doWithin is do for a call that takes its own time.
func (e *Engine) doWithin(ctx context.Context, timeout time.Duration, verb string, call func(context.Context) error) error {
	slow := fmt.Errorf("no answer from the Docker Engine within %s", timeout)
	bounded, cancel := context.WithTimeoutCause(ctx, timeout, slow)
	defer cancel()
	err := call(bounded)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", verb, context.Cause(ctx))
	case bounded.Err() != nil:
		return fmt.Errorf("%s: %w", verb, slow)
	}
	return fmt.Errorf("%s: %w", verb, e.explain(err))
}

// make is do for calls that create something: once begun they are not cancelled, since what the engine makes after
// its caller went away belongs to nobody.
func (e *Engine) make(ctx context.Context, verb string, call func(context.Context) error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", verb, context.Cause(ctx))
	}
	return e.do(context.WithoutCancel(ctx), verb, call)
}

// explain adds the next step to an error that means that the engine is not there, or went away in the middle.
func (e *Engine) explain(err error) error {
	switch {
	case client.IsErrConnectionFailed(err):
		return &deploy.HintedError{
			Err:  fmt.Errorf("the Docker Engine at %s cannot be reached: %w", e.client.DaemonHost(), err),
			Next: "start it (systemctl start docker), check that DOCKER_HOST is right and that this user may use its socket",
		}
	case brokenOff(err):
		return &deploy.HintedError{
			Err:  fmt.Errorf("the connection to the Docker Engine at %s broke off: %w", e.client.DaemonHost(), err),
			Next: "see whether it was restarted (systemctl status docker), then deploy again",
		}
	}
	return err
}

func brokenOff(err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
