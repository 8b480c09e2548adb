package oracle

import (
	"archive/tar"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/image"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/api/types/volume"
	"github.com/moby/moby/client"
)

const (
	labelProject = "com.docker.compose.project"
	labelService = "com.docker.compose.service"
)

// snapshot is what the engine says about a project, by object: "container web-1", "network default", "file web-1 /etc/x".
type snapshot map[string]any

// objects are the things that belong to a project.
type objects struct {
	containers []container.Summary
	networks   []network.Summary
	volumes    []volume.Volume
	images     []image.Summary
}

func list(ctx context.Context, project string) (objects, error) {
	mine := client.Filters{}.Add("label", labelProject+"="+project)
	var o objects
	containers, err := docker.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: mine})
	if err != nil {
		return o, err
	}
	networks, err := docker.NetworkList(ctx, client.NetworkListOptions{Filters: mine})
	if err != nil {
		return o, err
	}
	volumes, err := docker.VolumeList(ctx, client.VolumeListOptions{Filters: mine})
	if err != nil {
		return o, err
	}
	o = objects{containers: containers.Items, networks: networks.Items, volumes: volumes.Items}
	for _, reference := range []string{app(project) + "*", app(project) + "/*"} {
		images, err := docker.ImageList(ctx, client.ImageListOptions{Filters: client.Filters{}.Add("reference", reference)})
		if err != nil {
			return o, err
		}
		o.images = append(o.images, images.Items...)
	}
	return o, nil
}

// app is whose project it is.
func app(project string) string {
	name, _, _ := strings.Cut(project, "-")
	return name
}

func (o objects) none() bool { return len(o.containers)+len(o.networks)+len(o.volumes) == 0 }

// without are the names of the containers that later does not have.
func (o objects) without(later objects) []string {
	var names []string
	for _, c := range o.containers {
		if !slices.ContainsFunc(later.containers, func(l container.Summary) bool { return l.ID == c.ID }) {
			names = append(names, c.Names[0])
		}
	}
	return names
}

// take asks the engine about all that belongs to the project. Files are paths in a service's containers.
func take(ctx context.Context, project string, files map[string][]string) (snapshot, error) {
	there, err := list(ctx, project)
	if err != nil {
		return nil, err
	}
	shot := snapshot{}
	names := there.names()
	for _, c := range there.containers {
		answer, err := docker.ContainerInspect(ctx, c.ID, client.ContainerInspectOptions{})
		if err != nil {
			return nil, err
		}
		name := short(c.Names[0], project)
		shot["container "+name] = normalContainer(decode(names.Replace(string(answer.Raw))))
		for _, path := range files[c.Labels[labelService]] {
			file, err := readFile(ctx, c.ID, path)
			if err != nil {
				return nil, fmt.Errorf("container %s: %w", name, err)
			}
			shot["file "+name+" "+path] = file
		}
	}
	for _, n := range there.networks {
		answer, err := docker.NetworkInspect(ctx, n.ID, client.NetworkInspectOptions{})
		if err != nil {
			return nil, err
		}
		shot["network "+short(n.Name, project)] = normalNetwork(decode(names.Replace(string(answer.Raw))))
	}
	for _, v := range there.volumes {
		answer, err := docker.VolumeInspect(ctx, v.Name, client.VolumeInspectOptions{})
		if err != nil {
			return nil, err
		}
		shot["volume "+short(v.Name, project)] = normalVolume(decode(string(answer.Raw)))
	}
	return shot, nil
}

// short is the name without the project's.
func short(name, project string) string {
	return strings.TrimLeft(strings.TrimPrefix(strings.TrimPrefix(name, "/"), project), "-_")
}

// names puts names in the place of ids, which are new each time. A container's short id is its host name. An image that
// is built has an id of its own with each builder.
func (o objects) names() *strings.Replacer {
	var pairs []string
	for _, i := range o.images {
		pairs = append(pairs, i.ID, "<id of a built image>")
	}
	for _, c := range o.containers {
		pairs = append(pairs, c.ID, "<id of "+c.Names[0]+">")
	}
	for _, n := range o.networks {
		pairs = append(pairs, n.ID, "<id of "+n.Name+">")
	}
	for _, c := range o.containers {
		pairs = append(pairs, c.ID[:12], "<short id of "+c.Names[0]+">")
	}
	return strings.NewReplacer(pairs...)
}

func decode(raw string) map[string]any {
	var object map[string]any
	if err := json.Unmarshal([]byte(raw), &object); err != nil {
		panic(fmt.Sprintf("the engine's answer is not JSON: %v", err))
	}
	return object
}

// readFile returns what a file in the container holds, whose it is, and its mode.
func readFile(ctx context.Context, id, path string) (map[string]any, error) {
	answer, err := docker.CopyFromContainer(ctx, id, client.CopyFromContainerOptions{SourcePath: path})
	if err != nil {
		return nil, err
	}
	defer answer.Content.Close()
	archive := tar.NewReader(answer.Content)
	header, err := archive.Next()
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(archive)
	return map[string]any{
		"Content": string(content), "Mode": fmt.Sprintf("%o", header.Mode), "Owner": fmt.Sprintf("%d:%d", header.Uid, header.Gid),
	}, err
}
