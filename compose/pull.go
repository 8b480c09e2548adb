package compose

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/distribution/reference"
	dockerimage "github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/registry"
	"golang.org/x/sync/errgroup"

	"verdigris/deploy"
)

// maxPulls bounds how many images are pulled at once; the engine fetches several layers of each at once too.
const maxPulls = 4

// pullImages fetches the images that the pull policies of the project's services ask for, several at once.
func (e *Engine) pullImages(ctx context.Context, p *project, log deploy.Log) error {
	due, err := e.duePulls(ctx, p)
	if err != nil || len(due) == 0 {
		return err
	}
	logins, err := e.logins()
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxPulls)
	for _, one := range due {
		group.Go(func() error {
			err := e.pull(ctx, one, logins, log)
			switch {
			case err == nil:
				return nil
			case one.orBuild && ctx.Err() == nil:
				log(one.title() + ": it cannot be pulled and is built")
				return nil
			}
			return fmt.Errorf("%s: %w", one.wantedBy(), err)
		})
	}
	return group.Wait()
}

// pull fetches one image with the credentials for its registry. What may work in a moment is tried again.
func (e *Engine) pull(ctx context.Context, one *pull, logins *logins, log deploy.Log) error {
	auth, err := logins.of(ctx, reference.Domain(one.image))
	if err != nil {
		return err
	}
	again := func(err error) (time.Duration, bool) {
		return askedWait(err.Error()), !one.orBuild && !hinted(err) && faultOf(err, one.image) == faultTransient
	}
	tell := func(err error, pause time.Duration) {
		log(fmt.Sprintf("%s: %v; trying again in %s", one.title(), err, pause.Round(100*time.Millisecond)))
	}
	err = e.retries.retry(ctx, func() error { return e.pullOnce(ctx, one, auth, log) }, again, tell)
	switch {
	case err == nil:
		e.date(ctx, one.image, log)
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("pull image %s: stopped: %w", reference.FamiliarString(one.image), context.Cause(ctx))
	case hinted(err):
		return err
	}
	return logins.pullFailed(one, auth != registry.AuthConfig{}, err)
}

// pullOnce asks the engine to fetch the image and reads its messages to the end. When ctx ends, the engine stops too.
func (e *Engine) pullOnce(ctx context.Context, one *pull, auth registry.AuthConfig, log deploy.Log) error {
	header, err := registry.EncodeAuthConfig(auth)
	if err != nil {
		return err
	}
	progress := newPullProgress(one.title(), log)
	options := dockerimage.PullOptions{RegistryAuth: header, Platform: one.platform}
	body, err := e.client.ImagePull(ctx, one.image.String(), options)
	if err != nil {
		return e.explain(err)
	}
	defer body.Close()
	if err := eachMessage(body, progress.read); err != nil {
		return e.explain(err)
	}
	progress.end()
	return nil
}

// date gives the image's name to it once more, which makes its LastTagTime the time of this pull: engines that keep
// images in graph drivers leave it empty, and a policy such as daily would pull at every deployment.
func (e *Engine) date(ctx context.Context, image reference.Named, log deploy.Log) {
	if _, pinned := image.(reference.Digested); pinned {
		return // such a name cannot be given
	}
	name := image.String()
	err := e.do(ctx, "note the time of the pull", func(ctx context.Context) error { return e.client.ImageTag(ctx, name, name) })
	if err != nil {
		log("note: " + err.Error())
	}
}

// hinted tells whether the error says already what to do, as those about the engine itself do.
func hinted(err error) bool {
	var h *deploy.HintedError
	return errors.As(err, &h)
}
