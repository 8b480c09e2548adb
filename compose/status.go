package compose

import (
	"context"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"verdigris/deploy"
)

// Observe says which containers the slice has, which release they carry and where the web service answers.
func (r *Runtime) Observe(ctx context.Context, slice deploy.Slice) (deploy.SliceStatus, error) {
	status := deploy.SliceStatus{Slice: slice, Containers: []deploy.ContainerStatus{}, Endpoints: []deploy.Endpoint{}}
	containers, err := r.engine.containersOf(ctx, r.settings.Project(slice))
	if err != nil {
		return status, err
	}
	reach, err := r.routerNetworks(ctx)
	if err != nil {
		return status, err
	}
	for _, c := range containers {
		inspected, err := r.engine.inspect(ctx, c.id)
		if errdefs.IsNotFound(err) {
			continue // it went away in between
		}
		if err != nil {
			return status, err
		}
		one := containerStatus(c, inspected)
		status.Containers = append(status.Containers, one)
		isWeb := c.service == r.settings.Web
		if status.Commit == "" || isWeb {
			status.Commit = commitOf(c.labels)
		}
		if !isWeb || one.State != "running" || one.Health == container.Unhealthy {
			continue
		}
		if address := r.address(slice, inspected, reach); address != "" {
			status.Endpoints = append(status.Endpoints, deploy.Endpoint{Container: c.name, Address: address})
		}
	}
	return status, nil
}

func containerStatus(c found, i container.InspectResponse) deploy.ContainerStatus {
	status := deploy.ContainerStatus{
		Name: c.name, Service: c.service, Image: i.Config.Image,
		State: string(i.State.Status), ExitCode: i.State.ExitCode, Restarts: i.RestartCount, Worker: c.worker(),
	}
	if h := i.State.Health; h != nil && h.Status != container.NoHealthcheck {
		status.Health = string(h.Status)
	}
	return status
}
