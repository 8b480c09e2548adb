package compose

import (
	"context"
	"fmt"
	"strings"

	"verdigris/deploy"
)

// buildMode says when an image is built.
type buildMode int

const (
	buildMissing buildMode = iota // only when the engine does not have it
	buildCached
	buildFresh // without the cache
)

// Build builds the images of the slice's services and finds or pulls those that are not built. The images are named
// <app>-<service>:<commit>. It returns the release with the id of each service's image, and the digest of those that
// came from a registry. When a build fails, the error is a deploy.LoggedError with the last lines of its output. Ending
// ctx stops the build.
func (r *Runtime) Build(ctx context.Context, slice deploy.Slice, rel deploy.Release, fresh bool, log deploy.Log) (deploy.Release, error) {
	p, err := r.loadSlice(ctx, slice, rel)
	if err != nil {
		return rel, err
	}
	if err := r.check(p); err != nil {
		return rel, err
	}
	for _, line := range p.warnings() {
		log(line)
	}
	mode := buildCached
	if fresh {
		mode = buildFresh
	}
	rel.Images, rel.Digests, err = r.provide(ctx, p, mode, log)
	return rel, err
}

// build makes one image, and before it the additional contexts that an old BuildKit does not know.
func (e *Engine) build(ctx context.Context, b *buildKit, job recipe, log deploy.Log) error {
	last := newRing(lastLines)
	progress := newBuildProgress(job.service, func(line string, about ...deploy.Step) {
		last.add(line)
		log(line, about...)
	})
	err := e.buildSteps(ctx, b, job, progress)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("build image: stopped: %w", context.Cause(ctx))
	}
	return &deploy.LoggedError{Err: fmt.Errorf("build image: %w", loginFor(roomFor(e.explain(err), last.lines), last.lines)), Lines: last.lines}
}

func (e *Engine) buildSteps(ctx context.Context, b *buildKit, job recipe, progress *buildProgress) error {
	if len(job.contexts) > 0 && !b.contexts() {
		var err error
		if job, err = withStages(ctx, b, job, progress); err != nil {
			return err
		}
	}
	return b.build(ctx, job, progress)
}

// roomFor adds the next step when the disk is full; a failing command in a build may be the only one that says so.
func roomFor(err error, lines []string) error {
	const full = "no space left on device"
	said := err.Error() + strings.Join(lines, "\n")
	if !strings.Contains(strings.ToLower(said), full) { // the C library writes it with a capital
		return err
	}
	return &deploy.HintedError{
		Err:  fmt.Errorf("the disk of the Docker Engine is full: %w", err),
		Next: "free space (docker system df, docker builder prune, docker image prune) and deploy again",
	}
}
