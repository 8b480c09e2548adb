package compose

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"verdigris/deploy"
)

// parallelBuilds is how many images are built at the same time.
const parallelBuilds = 4

// buildAll builds the images of the project that the mode asks for, those that do not need each other at the same time.
// What this BuildKit cannot do is refused before the first build begins.
func (e *Engine) buildAll(ctx context.Context, p *project, mode buildMode, log deploy.Log) error {
	jobs, err := e.due(ctx, p, mode)
	if err != nil || len(jobs) == 0 {
		return err
	}
	b, err := e.openBuildKit(ctx)
	if err != nil {
		return err
	}
	defer b.close()
	for _, job := range jobs {
		if err := b.refuse(job); err != nil {
			return fmt.Errorf("service %s: %w", job.service, err)
		}
	}
	built := map[string]chan struct{}{}
	for _, job := range jobs {
		built[job.service] = make(chan struct{})
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelBuilds)
	for _, job := range jobs { // each after those that it needs: none waits for one that has not begun
		group.Go(func() error {
			for _, needed := range job.needs {
				if err := until(ctx, built[needed]); err != nil {
					return err
				}
			}
			if err := e.build(ctx, b, job, log); err != nil {
				return fmt.Errorf("service %s: %w", job.service, err)
			}
			close(built[job.service])
			return nil
		})
	}
	return group.Wait()
}

// due lists the builds that the mode asks for, each one after those whose images are its contexts.
func (e *Engine) due(ctx context.Context, p *project, mode buildMode) ([]recipe, error) {
	var jobs []recipe
	listed := map[string]bool{}
	var list func(name string) error
	list = func(name string) error {
		s := p.Services[name]
		if listed[name] || s.Build == nil {
			return nil
		}
		listed[name] = true
		for _, needed := range imagesNeeded(s) {
			if err := list(needed); err != nil {
				return err
			}
		}
		if mode == buildMissing && s.PullPolicy != "build" {
			if id, err := e.imageID(ctx, p.reference(s)); err != nil || id != "" {
				return err
			}
		}
		job, err := p.recipe(s, mode == buildFresh)
		if err != nil {
			return fmt.Errorf("service %s: %w", name, err)
		}
		jobs = append(jobs, job)
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(p.Services)) {
		if err := list(name); err != nil {
			return nil, err
		}
	}
	return jobs, nil
}
