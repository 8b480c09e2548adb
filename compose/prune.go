package compose

import (
	"context"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/filters"
	dockerimage "github.com/docker/docker/api/types/image"

	"verdigris/deploy"
)

// Prune removes the images that were built for releases other than those to keep, and what a rebuild left without a
// name, and returns how many images it took a name from or removed. An image that a container uses, running or not,
// stays, and so do the names of the release that the container belongs to.
func (r *Runtime) Prune(ctx context.Context, keep []deploy.Commit) (int, error) {
	wanted := map[deploy.Commit]bool{}
	for _, c := range keep {
		wanted[c] = true
	}
	containers, err := r.engine.list(ctx, filters.NewArgs())
	if err != nil {
		return 0, err
	}
	used := map[string]bool{}
	for _, c := range containers {
		used[c.imageID] = true
		if c.labels[labelApp] == r.settings.App {
			wanted[deploy.Commit(c.labels[labelRelease])] = true
		}
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
	removed := 0
	for _, img := range images {
		names := stale(img, wanted)
		if used[img.ID] && len(names) >= len(img.RepoTags) {
			names = nil
		}
		gone := 0
		for _, name := range names {
			err := r.engine.removeImage(ctx, name)
			if err != nil && !errdefs.IsConflict(err) {
				return removed, err
			}
			if err == nil {
				gone = 1 // otherwise another image is built on it: it stays until that one goes
			}
		}
		removed += gone
	}
	return removed, nil
}

// stale returns the names of the image that belong to releases that are not wanted; the id if it has no name.
func stale(img dockerimage.Summary, wanted map[deploy.Commit]bool) []string {
	if len(img.RepoTags) == 0 || img.RepoTags[0] == "<none>:<none>" {
		return []string{img.ID}
	}
	var names []string
	for _, name := range img.RepoTags {
		if commit, ok := taggedCommit(name); ok && !wanted[commit] {
			names = append(names, name)
		}
	}
	return names
}

// taggedCommit reads the commit from <name>:<commit> or <name>:<commit>-<slice>. The name is <app>-<service>, or what
// the service itself calls its image, with ${IMAGE_TAG} as the tag.
func taggedCommit(name string) (deploy.Commit, bool) {
	tag := name[strings.LastIndex(name, ":")+1:]
	digits, _, _ := strings.Cut(tag, "-")
	commit, err := deploy.ParseCommit(digits)
	return commit, err == nil
}

func (e *Engine) removeImage(ctx context.Context, name string) error {
	return e.do(ctx, "remove image "+name, func(ctx context.Context) error {
		_, err := e.client.ImageRemove(ctx, name, dockerimage.RemoveOptions{PruneChildren: true})
		return gone(err)
	})
}
