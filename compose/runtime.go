package compose

import (
	"context"
	"fmt"

	"verdigris/deploy"
)

// Check loads the slice's compose files and refuses what cannot be done: files that are wrong, keys that have no
// mapping, networks that are missing, host ports that others hold. Nothing is touched.
func (r *Runtime) Check(ctx context.Context, slice deploy.Slice, rel deploy.Release) error {
	p, err := r.loadSlice(ctx, slice, rel)
	if err != nil {
		return err
	}
	if err := r.check(p); err != nil {
		return err
	}
	seen, err := r.engine.observe(ctx, p.Name)
	if err != nil {
		return err
	}
	_, err = newPlan(p, seen, nil)
	return err
}

// check refuses what the files alone show to be impossible.
func (r *Runtime) check(p *project) error {
	if err := p.refuse(); err != nil {
		return err
	}
	if err := p.checkRoles(); err != nil {
		return err
	}
	if _, ok := p.Services[r.settings.Web]; p.slice != "" && r.settings.Web != "" && !ok {
		return &deploy.HintedError{
			Err:  fmt.Errorf("%s: there is no service %s, which verdigris.yml names as the web service", bases(p.files), r.settings.Web),
			Next: "correct web.service in verdigris.yml, or the compose file",
		}
	}
	if err := r.checkNeeds(p); err != nil {
		return err
	}
	if err := r.checkWay(p); err != nil {
		return err
	}
	return p.checkBuilds()
}

// checkNeeds refuses shared files without a service that verdigris.yml names.
func (r *Runtime) checkNeeds(p *project) error {
	if p.slice != "" {
		return nil
	}
	for _, name := range r.settings.Needs {
		if _, ok := p.Services[name]; !ok {
			return &deploy.HintedError{
				Err:  fmt.Errorf("%s: there is no service %s, which verdigris.yml names", bases(p.files), name),
				Next: "correct the name in verdigris.yml, or the compose file",
			}
		}
	}
	return nil
}

// Start makes the slice run the release, and waits until every container runs and none is unhealthy. Containers
// whose configuration and image are unchanged stay; those that are replaced or removed are set aside, until Discard or
// Revert. Workers are made and stopped: StartWorkers starts them when the slice goes live. If it fails, what this call
// created is gone again and what it set aside is back; the error is a deploy.LoggedError when one container is to blame.
func (r *Runtime) Start(ctx context.Context, slice deploy.Slice, rel deploy.Release, log deploy.Log) error {
	p, err := r.loadSlice(ctx, slice, rel)
	if err != nil {
		return err
	}
	return r.converge(ctx, p, rel.Images, log)
}

// UpShared starts the shared services: images that are missing are built or pulled, containers that differ from the
// files are recreated. What it created is gone again if it fails.
func (r *Runtime) UpShared(ctx context.Context, log deploy.Log) error {
	p, err := r.loadShared(ctx)
	if err != nil {
		return err
	}
	if err := r.check(p); err != nil {
		return err
	}
	ids, _, err := r.provide(ctx, p, buildMissing, log)
	if err != nil {
		return err
	}
	if err := r.converge(ctx, p, ids, log); err != nil {
		return err
	}
	// Left half-way, it would leave containers of two configurations.
	return r.discard(context.WithoutCancel(ctx), p.Name, log)
}

// converge observes once, plans, and carries the plan out.
func (r *Runtime) converge(ctx context.Context, p *project, ids map[string]string, log deploy.Log) error {
	if err := r.check(p); err != nil {
		return err
	}
	images, err := r.images(ctx, p, ids)
	if err != nil {
		return err
	}
	if err := r.renewRouteNetworks(ctx, p.slice, log); err != nil {
		return err
	}
	seen, err := r.engine.observe(ctx, p.Name)
	if err != nil {
		return err
	}
	pl, err := newPlan(p, seen, images)
	if err != nil {
		return err
	}
	return r.execute(ctx, pl, log)
}
