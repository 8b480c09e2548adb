package compose

import (
	"context"
	"fmt"

	"github.com/compose-spec/compose-go/v2/types"
	dockerimage "github.com/docker/docker/api/types/image"

	"verdigris/deploy"
)

// ensure makes sure that the engine has the image of a service that is not built: what is on this machine is taken
// as it is, unless pull_policy says always.
func (e *Engine) ensure(ctx context.Context, s types.ServiceConfig, log deploy.Log) error {
	policy, _, err := s.GetPullPolicy()
	if err != nil {
		return err
	}
	id, err := e.imageID(ctx, s.Image)
	if err != nil {
		return err
	}
	switch {
	case policy == types.PullPolicyAlways:
	case id != "":
		return nil
	case policy == types.PullPolicyNever:
		return &deploy.HintedError{
			Err:  fmt.Errorf("image %s is not on this machine, and its pull_policy is never", s.Image),
			Next: "build or load the image, or take the pull_policy out of the compose file",
		}
	}
	log("pull " + s.Image)
	if err := e.pull(ctx, s.Image, log); err != nil {
		return &deploy.HintedError{
			Err:  fmt.Errorf("image %s is not on this machine and cannot be pulled: %w", s.Image, err),
			Next: "check the image's name and that its registry can be reached, or load the image: docker load",
		}
	}
	return nil
}

// pull asks the engine to fetch the image. Registries that want a login are reached by a `docker pull` beforehand.
func (e *Engine) pull(ctx context.Context, ref string, log deploy.Log) error {
	body, err := e.client.ImagePull(ctx, ref, dockerimage.PullOptions{})
	if err != nil {
		return e.explain(err)
	}
	defer body.Close()
	return readMessages(body, nil, log)
}
