package compose

import (
	"context"
	"strings"

	"github.com/docker/docker/api/types/filters"
	dockerimage "github.com/docker/docker/api/types/image"

	"verdigris/deploy"
)

// Prune removes the images that were built for releases other than those to keep, and what a rebuild left without a
// name, and returns how many images it took a name from or removed. An image that a container uses, running or not,
// is left alone.
func (r *Runtime) Prune(ctx context.Context, keep []deploy.Commit) (int, error) {
	used, err := r.usedImages(ctx)
	if err != nil {
		return 0, err
	}
	var images []dockerimage.Summary
	err = r.engine.do(ctx, "list images", func(ctx context.Context) (err error) {
		images, err = r.engine.client.ImageList(ctx, dockerimage.ListOptions{
			Filters: filters.NewArgs(filters.Arg("label", labelApp+"="+r.settings.App)),
		})
		return err
	})
	if err != nil {
		return 0, err
	}
	wanted := map[deploy.Commit]bool{}
	for _, c := range keep {
		wanted[c] = true
	}
	removed := 0
	for _, img := range images {
		if used[img.ID] {
			continue
		}
		names := r.stale(img, wanted)
		for _, name := range names {
			if err := r.engine.removeImage(ctx, name); err != nil {
				return removed, err
			}
		}
		removed += min(1, len(names))
	}
	return removed, nil
}

// usedImages are the ids of the images of all containers.
func (r *Runtime) usedImages(ctx context.Context) (map[string]bool, error) {
	containers, err := r.engine.list(ctx, filters.NewArgs())
	used := map[string]bool{}
	for _, c := range containers {
		used[c.imageID] = true
	}
	return used, err
}

// stale returns the names of the image that belong to releases that are not wanted; the id if it has no name.
func (r *Runtime) stale(img dockerimage.Summary, wanted map[deploy.Commit]bool) []string {
	var names []string
	for _, tag := range img.RepoTags {
		if commit, ok := r.taggedCommit(tag); ok && !wanted[commit] {
			names = append(names, tag)
		}
	}
	if len(img.RepoTags) == 0 || img.RepoTags[0] == "<none>:<none>" {
		names = append(names, img.ID)
	}
	return names
}

// taggedCommit reads the commit from <app>-<service>:<commit> or <app>-<service>:<commit>-<slice>.
func (r *Runtime) taggedCommit(tag string) (deploy.Commit, bool) {
	name, version, _ := strings.Cut(tag, ":")
	digits, _, _ := strings.Cut(version, "-")
	commit, err := deploy.ParseCommit(digits)
	return commit, err == nil && strings.HasPrefix(name, r.settings.App+"-")
}

func (e *Engine) removeImage(ctx context.Context, name string) error {
	return e.do(ctx, "remove image "+name, func(ctx context.Context) error {
		_, err := e.client.ImageRemove(ctx, name, dockerimage.RemoveOptions{PruneChildren: true})
		return gone(err)
	})
}
