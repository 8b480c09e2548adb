package compose

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/docker/docker/api/types/container"

	"verdigris/deploy"
)

// RunJob runs the service once to its end with the release's image, on the slice's networks and volumes, and
// streams what it prints to log. What the service depends on is not started. A status other than 0 is a
// deploy.LoggedError with the last lines. The container is removed in every case.
func (r *Runtime) RunJob(ctx context.Context, slice deploy.Slice, rel deploy.Release, service string, log deploy.Log) error {
	p, err := r.loadSlice(ctx, slice, rel)
	if err != nil {
		return err
	}
	if err := r.check(p); err != nil {
		return err
	}
	if _, ok := p.Services[service]; !ok {
		return &deploy.HintedError{
			Err:  fmt.Errorf("%s: there is no service %s to run", bases(p.files), service),
			Next: "correct migrate in verdigris.yml, or the compose file",
		}
	}
	x, b, err := r.prepareJob(ctx, p, rel, service, log)
	if err != nil {
		return err
	}
	if err := x.runJob(ctx, b); err != nil {
		return x.undo(ctx, err)
	}
	return r.engine.discard(context.WithoutCancel(ctx), x.containers[0])
}

// prepareJob plans the networks and volumes of the slice and one container without a host port or a restart.
func (r *Runtime) prepareJob(ctx context.Context, p *project, rel deploy.Release, service string, log deploy.Log) (*execution, *blueprint, error) {
	s := p.Services[service]
	img, err := r.engine.image(ctx, p.reference(s), rel.Images[service])
	if err != nil {
		return nil, nil, fmt.Errorf("service %s: %w", service, err)
	}
	seen, err := r.engine.observe(ctx, p.Name)
	if err != nil {
		return nil, nil, err
	}
	pl := &plan{project: p}
	if err := pl.planNetworks(seen); err != nil {
		return nil, nil, err
	}
	if err := pl.planVolumes(seen); err != nil {
		return nil, nil, err
	}
	s.ContainerName = fmt.Sprintf("%s-%s-run-%s", p.Name, service, strings.ToLower(rand.Text()[:8]))
	b, err := p.blueprint(s, 1)
	if err != nil {
		return nil, nil, err
	}
	b.Config.Image = img.ref
	b.Host.PortBindings = nil
	b.withoutNames()
	b.Host.RestartPolicy = container.RestartPolicy{}
	b.Config.Healthcheck = &container.HealthConfig{Test: []string{"NONE"}}
	p.label(b, s, 1, img.id)
	if err := seen.lend(b, s); err != nil {
		return nil, nil, err
	}
	b.Config.Labels[labelOneOff] = "True"
	return newExecution(r, pl, log), b, nil
}

func (x *execution) runJob(ctx context.Context, b *blueprint) error {
	if err := x.createResources(ctx); err != nil {
		return err
	}
	_, err := x.runToEnd(ctx, b, x.log)
	return err
}
