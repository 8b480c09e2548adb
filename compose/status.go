package compose

import (
	"context"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"verdigris/deploy"
)

// Observe says what runs: which containers the slice has, which release its running web containers carry and where they
// answer. What a start has set aside does not run, and says nothing about the slice.
func (r *Runtime) Observe(ctx context.Context, slice deploy.Slice) (deploy.SliceStatus, error) {
	status := deploy.SliceStatus{Slice: slice, Containers: []deploy.ContainerStatus{}, Endpoints: []deploy.Endpoint{}}
	containers, err := r.engine.containersOf(ctx, r.settings.Project(slice))
	if err != nil {
		return status, err
	}
	way, err := r.reach(ctx, slice)
	if err != nil {
		return status, err
	}
	running := map[deploy.Commit]bool{} // releases of the web service
	for _, c := range containers {
		inspected, err := r.engine.inspect(ctx, c.id)
		if errdefs.IsNotFound(err) {
			continue // it went away in between
		}
		if err != nil {
			return status, err
		}
		one := containerStatus(c, inspected)
		if c.setAside() && !inspected.State.Running {
			status.SetAside = append(status.SetAside, one)
			continue
		}
		status.Containers = append(status.Containers, one)
		if c.service != r.settings.Web || one.State != "running" {
			continue
		}
		running[one.Commit] = true
		address, err := r.address(ctx, slice, inspected, way)
		if err != nil {
			return status, err
		}
		if address != "" {
			status.Endpoints = append(status.Endpoints, deploy.Endpoint{Container: c.name, Address: address})
		}
	}
	status.Commit = only(running)
	return status, nil
}

// only returns the release, if there is one alone.
func only(releases map[deploy.Commit]bool) deploy.Commit {
	if len(releases) != 1 {
		return ""
	}
	for commit := range releases {
		return commit
	}
	return ""
}

func containerStatus(c found, i container.InspectResponse) deploy.ContainerStatus {
	status := deploy.ContainerStatus{
		Name: c.name, ID: c.id[:min(12, len(c.id))], Service: c.service, Image: i.Config.Image, Commit: commitOf(c.labels),
		State: string(i.State.Status), ExitCode: i.State.ExitCode, Restarts: i.RestartCount, Worker: c.worker(),
	}
	if h := i.State.Health; h != nil && h.Status != container.NoHealthcheck {
		status.Health = string(h.Status)
	}
	return status
}
