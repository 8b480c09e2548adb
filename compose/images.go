package compose

import (
	"cmp"
	"context"
	"fmt"
	"sync"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/containerd/errdefs"
	dockerimage "github.com/docker/docker/api/types/image"
	"golang.org/x/sync/errgroup"

	"verdigris/deploy"
)

// tags are the names of a built service's image: <app>-<service>:<commit>, and before it the same with the slice, since
// two slices may build one commit with different arguments. The app's own image is <app>:<commit> besides. Shared
// services have no commit, and their images the names that Compose gives them.
func (p *project) tags(s types.ServiceConfig) []string {
	if p.slice == "" {
		return []string{cmp.Or(s.Image, p.Name+"-"+s.Name)}
	}
	name := fmt.Sprintf("%s-%s:%s", p.app, s.Name, p.commit)
	tags := []string{name + "-" + string(p.slice), name}
	if s.Name == p.main() {
		tags = append(tags, fmt.Sprintf("%s:%s", p.app, p.commit))
	}
	return append(tags, words(s.Image)...)
}

// main is the service whose image is the app's own: the web service or, where that is not built, the only one that is.
// It is empty where neither is so.
func (p *project) main() string {
	if p.Services[p.web].Build != nil {
		return p.web
	}
	var built []string
	for name, s := range p.Services {
		if s.Build != nil {
			built = append(built, name)
		}
	}
	if len(built) == 1 {
		return built[0]
	}
	return ""
}

// reference is the name under which a service's image is looked for.
func (p *project) reference(s types.ServiceConfig) string {
	if s.Build != nil {
		return p.tags(s)[0]
	}
	return s.Image
}

// images finds what each service runs: the ids that a build has returned or, without them, what the names stand for.
func (r *Runtime) images(ctx context.Context, p *project, ids map[string]string) (map[string]image, error) {
	var mu sync.Mutex
	out := map[string]image{}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(concurrency)
	for name, s := range p.Services {
		group.Go(func() error {
			img, err := r.engine.image(ctx, p.reference(s), ids[name])
			if err != nil {
				return fmt.Errorf("service %s: %w", name, err)
			}
			for _, hook := range foreignImages(s) {
				if _, err := r.engine.image(ctx, hook.Image, ""); err != nil {
					return fmt.Errorf("service %s: pre_start: %w", name, err)
				}
			}
			for _, volume := range volumeImages(s) {
				if _, err := r.engine.image(ctx, volume.Image, ""); err != nil {
					return fmt.Errorf("service %s: volumes: %w", name, err)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			out[name] = img
			return nil
		})
	}
	return out, group.Wait()
}

// image returns the image with that id, by its name where the name still stands for it. With an empty id it
// returns what the name stands for.
func (e *Engine) image(ctx context.Context, ref, id string) (image, error) {
	named, err := e.inspectImage(ctx, ref)
	if err != nil {
		return image{}, err
	}
	if named != nil && (id == "" || id == named.ID) {
		return newImage(ref, named), nil
	}
	if id != "" {
		if other, err := e.inspectImage(ctx, id); err != nil || other != nil {
			return newImage(id, other), err
		}
	}
	return image{}, &deploy.HintedError{
		Err:  fmt.Errorf("image %s is not on this machine", ref),
		Next: "deploy the release again, which builds or pulls it",
	}
}

// newImage is what a plan has to know of an image; nothing where there is none.
func newImage(ref string, i *dockerimage.InspectResponse) image {
	if i == nil {
		return image{}
	}
	img := image{
		id: i.ID, ref: ref, digest: repoDigest(ref, i.RepoDigests),
		platform: platformFrom(i.Os, i.Architecture, i.Variant), volumes: map[string]bool{},
	}
	if i.Config != nil {
		img.role = i.Config.Labels[labelRole]
		for path := range i.Config.Volumes {
			img.volumes[path] = true
		}
	}
	return img
}

// imageID returns the id of the image, empty when the engine does not have it.
func (e *Engine) imageID(ctx context.Context, ref string) (string, error) {
	i, err := e.inspectImage(ctx, ref)
	if i == nil {
		return "", err
	}
	return i.ID, err
}

// inspectImage returns what the engine knows of the image, nil when it does not have it.
func (e *Engine) inspectImage(ctx context.Context, ref string) (*dockerimage.InspectResponse, error) {
	var found *dockerimage.InspectResponse
	err := e.do(ctx, "look for image "+ref, func(ctx context.Context) error {
		i, err := e.client.ImageInspect(ctx, ref)
		if errdefs.IsNotFound(err) {
			return nil
		}
		if err == nil {
			found = &i
		}
		return err
	})
	return found, err
}
