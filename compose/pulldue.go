package compose

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/distribution/reference"
	"golang.org/x/sync/errgroup"
)

// pull is one image to be fetched, for all the services that want it.
type pull struct {
	image    reference.Named
	platform string   // empty for the engine's own
	here     bool     // the machine has the image as it was at an earlier pull
	services []string // sorted
	orBuild  bool     // what cannot be pulled is built
}

// title names the pull in the log.
func (p *pull) title() string {
	return fmt.Sprintf("%s: pull %s", strings.Join(p.services, ", "), reference.FamiliarString(p.image))
}

// wantedBy names the services in an error.
func (p *pull) wantedBy() string {
	if len(p.services) == 1 {
		return "service " + p.services[0]
	}
	return "services " + strings.Join(p.services, ", ")
}

// duePulls lists the pulls that the services' policies ask for, each image once.
func (e *Engine) duePulls(ctx context.Context, p *project) ([]*pull, error) {
	users := imageUsers(p)
	found := make([]*pull, len(users))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(concurrency)
	for i, s := range users {
		group.Go(func() (err error) {
			if found[i], err = e.duePull(ctx, s); err != nil {
				return fmt.Errorf("service %s: %w", s.Name, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var due []*pull
	for _, one := range found {
		if one != nil {
			due = enlist(due, one)
		}
	}
	return due, nil
}

// imageUsers lists the services with an image that the project does not build, and for each of their pre_start hooks and
// volumes with such an image of its own a service with it. As in Compose, a hook's image follows its service's pull
// policy, and a volume's is pulled when it is missing.
func imageUsers(p *project) []types.ServiceConfig {
	built := map[string]bool{}
	for _, s := range p.Services {
		if s.Build != nil {
			built[s.Image] = true
		}
	}
	var users []types.ServiceConfig
	for _, name := range slices.Sorted(maps.Keys(p.Services)) {
		s := p.Services[name]
		if s.Build == nil && !built[s.Image] || p.pullsBuilt(s) {
			users = append(users, s)
		}
		for _, volume := range volumeImages(s) {
			if !built[volume.Image] {
				users = append(users, volume)
			}
		}
		for _, hook := range foreignImages(s) {
			if built[hook.Image] {
				continue
			}
			if s.PullPolicy != types.PullPolicyBuild {
				hook.PullPolicy, hook.PullRefreshAfter = s.PullPolicy, s.PullRefreshAfter
			}
			users = append(users, hook)
		}
	}
	for i := range users {
		users[i].Platform = p.platformOf(users[i])
	}
	return users
}

// pullsBuilt tells whether a service that can be built is looked for in a registry first, as in Compose. A release is what
// its commit makes, so that this is for the shared services alone.
func (p *project) pullsBuilt(s types.ServiceConfig) bool {
	if p.slice != "" || s.Build == nil || s.Image == "" {
		return false
	}
	policy, _, err := pullPolicy(s)
	return err == nil && (policy == types.PullPolicyMissing || policy == types.PullPolicyAlways)
}

// duePull returns the pull of the service's image, nil when none is due.
func (e *Engine) duePull(ctx context.Context, s types.ServiceConfig) (*pull, error) {
	image, err := reference.ParseNormalizedNamed(s.Image)
	if err != nil {
		return nil, fmt.Errorf("image %q: %w", s.Image, err)
	}
	have, err := e.inspectImage(ctx, s.Image)
	if err != nil {
		return nil, err
	}
	if have, err = forPlatform(s, have); err != nil {
		return nil, err
	}
	due, err := pullDue(s, have, time.Now())
	if err != nil || !due {
		return nil, err
	}
	return &pull{image: reference.TagNameOnly(image), platform: s.Platform, here: have != nil, services: []string{s.Name}, orBuild: s.Build != nil}, nil
}

// enlist adds a pull to the list, or its service to the same pull there.
func enlist(list []*pull, one *pull) []*pull {
	for _, p := range list {
		if p.image.String() == one.image.String() && p.platform == one.platform {
			if !slices.Contains(p.services, one.services[0]) {
				p.services = append(p.services, one.services[0])
			}
			return list
		}
	}
	return append(list, one)
}
