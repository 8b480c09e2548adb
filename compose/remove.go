package compose

import (
	"context"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
)

// removeContainer removes a container that has been stopped. Its volumes stay.
func (e *Engine) removeContainer(ctx context.Context, c found) error {
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
