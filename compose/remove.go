package compose

import (
	"context"
	"fmt"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
)

// stopContainer asks the container to stop and waits for the grace period that it was created with.
func (e *Engine) stopContainer(ctx context.Context, c found) error {
	grace, err := e.grace(ctx, c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, grace+e.Timeout, fmt.Errorf("no answer from the Docker Engine within %s", grace+e.Timeout))
	defer cancel()
	if err := e.client.ContainerStop(ctx, c.id, container.StopOptions{}); err != nil && !errdefs.IsNotFound(err) {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return fmt.Errorf("stop container %s: %w", c.name, e.explain(err))
	}
	return nil
}

// grace is how long the engine waits before it kills the container; 10 seconds where nothing is set.
func (e *Engine) grace(ctx context.Context, c found) (time.Duration, error) {
	grace := 10 * time.Second
	err := e.do(ctx, "look at container "+c.name, func(ctx context.Context) error {
		i, err := e.client.ContainerInspect(ctx, c.id)
		if errdefs.IsNotFound(err) {
			return nil
		}
		if err == nil && i.Config.StopTimeout != nil {
			grace = time.Duration(*i.Config.StopTimeout) * time.Second
		}
		return err
	})
	return grace, err
}

// removeContainer stops the container and removes it. Its volumes stay.
func (e *Engine) removeContainer(ctx context.Context, c found) error {
	if err := e.stopContainer(ctx, c); err != nil {
		return err
	}
	return e.do(ctx, "remove container "+c.name, func(ctx context.Context) error {
		return gone(e.client.ContainerRemove(ctx, c.id, container.RemoveOptions{Force: true}))
	})
}

// discard kills the container and removes it with its anonymous volumes.
func (e *Engine) discard(ctx context.Context, id string) error {
	return e.do(ctx, "remove container "+id, func(ctx context.Context) error {
		return gone(e.client.ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true}))
	})
}

func (e *Engine) removeNetwork(ctx context.Context, name string) error {
	return e.do(ctx, "remove network "+name, func(ctx context.Context) error {
		return gone(e.client.NetworkRemove(ctx, name))
	})
}

func (e *Engine) removeVolume(ctx context.Context, name string) error {
	return e.do(ctx, "remove volume "+name, func(ctx context.Context) error {
		return gone(e.client.VolumeRemove(ctx, name, false))
	})
}

// gone takes it as done when there was nothing to remove.
func gone(err error) error {
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
}
