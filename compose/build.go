package compose

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"verdigris/deploy"
)

// Builder names a way to build images.
type Builder string

// The builders.
const (
	// BuilderAuto takes BuildKit and falls back to the classic builder where the engine has none.
	BuilderAuto     Builder = ""
	BuilderBuildKit Builder = "buildkit"
	BuilderClassic  Builder = "classic"
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

// recipe is one build, ready for either builder.
type recipe struct {
	name       string // <app>-<service>; files that BuildKit has of an earlier build of that name are not sent again
	config     *types.BuildConfig
	dockerfile string // absolute path; empty when it is inline
	tags       []string
	labels     map[string]string
	secrets    map[string]string // file by id
	fresh      bool
}

func (r *Runtime) build(ctx context.Context, p *project, s types.ServiceConfig, mode buildMode, log deploy.Log) error {
	if mode == buildMissing {
		if id, err := r.engine.imageID(ctx, p.reference(s)); err != nil || id != "" {
			return err
		}
	}
	job := p.recipe(s, mode == buildFresh)
	last := newRing(lastLines)
	err := r.engine.buildWith(ctx, job, func(line string, about ...deploy.Step) {
		last.add(line)
		log(line, about...)
	})
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("build image: stopped: %w", context.Cause(ctx))
	}
	return &deploy.LoggedError{Err: fmt.Errorf("build image: %w", loginFor(roomFor(r.engine.explain(err), last.lines), last.lines)), Lines: last.lines}
}

func (p *project) recipe(s types.ServiceConfig, fresh bool) recipe {
	job := recipe{
		name:    p.app + "-" + s.Name,
		config:  s.Build,
		tags:    append(p.tags(s), s.Build.Tags...),
		labels:  map[string]string{labelApp: p.app, labelService: s.Name},
		secrets: map[string]string{},
		fresh:   fresh || s.Build.NoCache,
	}
	maps.Copy(job.labels, s.Build.Labels)
	if s.Build.DockerfileInline == "" {
		job.dockerfile = s.Build.Dockerfile
		if !filepath.IsAbs(job.dockerfile) {
			job.dockerfile = filepath.Join(s.Build.Context, job.dockerfile)
		}
	}
	for _, secret := range s.Build.Secrets {
		id := secret.Target
		if id == "" {
			id = secret.Source
		}
		job.secrets[id] = p.Secrets[secret.Source].File
	}
	return job
}

// buildWith builds with the builder that is configured, or with BuildKit where the engine has it.
func (e *Engine) buildWith(ctx context.Context, job recipe, log deploy.Log) error {
	if e.Builder == BuilderClassic || e.Builder == BuilderAuto && !e.buildKit {
		return e.buildClassic(ctx, job, log)
	}
	err := e.buildKitBuild(ctx, job, log)
	if errors.Is(err, errNoBuildKit) && e.Builder == BuilderAuto {
		log("note: this engine has no BuildKit, the classic builder takes over")
		return e.buildClassic(ctx, job, log)
	}
	return err
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
