package compose

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/build"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/go-units"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/go-archive"
	"github.com/moby/patternmatcher/ignorefile"

	"verdigris/deploy"
)

// sentDockerfile is the name under which a Dockerfile travels that is not in the context.
const sentDockerfile = ".verdigris.Dockerfile"

// classic is the engine's first builder. It is sent the whole context, without what .dockerignore excludes.
type classic struct{ engine *Engine }

func (c classic) close() {}

// contexts is false: the classic builder knows one context.
func (c classic) contexts() bool { return false }

// refuse names what only BuildKit can do. The CA bundle is offered to builds, and none has to take it.
func (c classic) refuse(job recipe) error {
	b := job.config
	keys := map[string]bool{
		"build.secrets":         len(b.Secrets) > 0,
		"build.ssh":             len(b.SSH) > 0,
		"build.no_cache_filter": len(b.NoCacheFilter) > 0,
		"build.entitlements":    len(b.Entitlements) > 0,
		"build.privileged":      b.Privileged,
		"build.cache_to":        len(b.CacheTo) > 0,
		"build.dockerfile_inline with a context that the engine fetches":   isRemote(b.Context) && len(job.inline) > 0,
		"build.additional_contexts with a context that the engine fetches": isRemote(b.Context) && len(job.contexts) > 0,
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if keys[key] {
			return needsBuildKit(key)
		}
	}
	if isRemote(b.Context) {
		return nil
	}
	return job.refuseFlags()
}

func needsBuildKit(what string) error {
	return &deploy.HintedError{
		Err:  fmt.Errorf("%s needs BuildKit, and this build is done by the classic builder", what),
		Next: "build on an engine that has BuildKit, or do without it",
	}
}

// refuseFlags names the first instruction that has an option of BuildKit's, such as RUN --mount.
func (job recipe) refuseFlags() error {
	text, err := job.dockerfileText()
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("%s: %w", job.dockerfileName(), err)
	}
	for _, node := range parsed.AST.Children {
		place := fmt.Sprintf("%s:%d: %s", job.dockerfileName(), node.StartLine, strings.ToUpper(node.Value))
		if len(node.Heredocs) > 0 {
			return needsBuildKit(place + " <<" + node.Heredocs[0].Name)
		}
		for _, flag := range node.Flags {
			name, _, _ := strings.Cut(flag, "=")
			if strings.EqualFold(node.Value, "run") || name == "--link" || name == "--parents" || name == "--exclude" || name == "--checksum" {
				return needsBuildKit(place + " " + name)
			}
		}
	}
	return nil
}

func (c classic) build(ctx context.Context, job recipe, progress *buildProgress) error {
	options, err := classicOptions(job)
	if err != nil {
		return err
	}
	if options.AuthConfigs, err = c.engine.classicAuth(ctx, progress.log); err != nil {
		return err
	}
	var files io.ReadCloser
	if !isRemote(job.config.Context) {
		if files, err = contextTar(job); err != nil {
			return err
		}
		defer files.Close()
	}
	response, err := c.engine.client.ImageBuild(ctx, files, options)
	if err != nil {
		return c.engine.explain(err)
	}
	defer response.Body.Close()
	steps := &classicSteps{progress: progress}
	err = readMessages(response.Body, steps.read)
	steps.end(err)
	return err
}

// classicOptions puts a recipe into the terms of the Engine API's /build.
func classicOptions(job recipe) (build.ImageBuildOptions, error) {
	c := job.config
	var ulimits []*container.Ulimit
	for _, text := range job.ulimits() {
		limit, err := units.ParseUlimit(text)
		if err != nil {
			return build.ImageBuildOptions{}, fmt.Errorf("build.ulimits: %w", err)
		}
		ulimits = append(ulimits, limit)
	}
	hosts := c.ExtraHosts.AsList(":")
	slices.Sort(hosts)
	options := build.ImageBuildOptions{
		Version:     build.BuilderV1,
		Dockerfile:  job.nameInContext(),
		Remove:      true,
		ForceRemove: true,
		Tags:        job.tags,
		NoCache:     job.fresh,
		PullParent:  c.Pull,
		BuildArgs:   c.Args,
		Labels:      job.labels,
		Target:      c.Target,
		Platform:    job.platform,
		NetworkMode: c.Network,
		ExtraHosts:  hosts,
		ShmSize:     int64(c.ShmSize),
		Ulimits:     ulimits,
		CacheFrom:   job.cacheRefs(),
	}
	if isRemote(c.Context) {
		options.RemoteContext, options.Dockerfile = c.Context, job.dockerfile
	}
	return options, nil
}

// contextTar packs the context, with every file owned by root. The Dockerfile and .dockerignore are sent even if they are
// ignored: the engine needs them, and leaves them out of COPY by itself.
func contextTar(job recipe) (io.ReadCloser, error) {
	patterns, err := ignored(job)
	if err != nil {
		return nil, err
	}
	name := job.nameInContext()
	files, err := archive.TarWithOptions(job.config.Context, &archive.TarOptions{
		ExcludePatterns: append(patterns, "!"+dockerignore, "!"+name),
		ChownOpts:       &archive.ChownOpts{},
	})
	if err != nil {
		return nil, fmt.Errorf("pack build context %s: %w", job.config.Context, err)
	}
	if name != sentDockerfile {
		return files, nil
	}
	text, err := job.dockerfileText()
	if err != nil {
		return nil, errors.Join(err, files.Close())
	}
	return withDockerfile(files, text), nil
}

// nameInContext is the name of the Dockerfile in the context, sentDockerfile when it does not lie there as it is built.
func (job recipe) nameInContext() string {
	name, err := filepath.Rel(job.config.Context, job.dockerfile)
	if err != nil || len(job.inline) > 0 || !filepath.IsLocal(name) {
		return sentDockerfile
	}
	return filepath.ToSlash(name)
}

// withDockerfile adds the Dockerfile to a tar stream, and the order to leave it out of COPY.
func withDockerfile(files io.ReadCloser, text []byte) io.ReadCloser {
	header := func(size int) *tar.Header {
		return &tar.Header{Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(size)}
	}
	return archive.ReplaceFileTarWrapper(files, map[string]archive.TarModifierFunc{
		sentDockerfile: func(string, *tar.Header, io.Reader) (*tar.Header, []byte, error) {
			return header(len(text)), text, nil
		},
		dockerignore: func(_ string, _ *tar.Header, old io.Reader) (*tar.Header, []byte, error) {
			var content []byte
			var err error
			if old != nil {
				content, err = io.ReadAll(old)
			}
			content = append(content, "\n"+dockerignore+"\n"+sentDockerfile+"\n"...)
			return header(len(content)), content, err
		},
	})
}

// ignored reads the patterns of <Dockerfile>.dockerignore or, without it, of the context's .dockerignore.
func ignored(job recipe) ([]string, error) {
	candidates := []string{filepath.Join(job.config.Context, dockerignore)}
	if job.dockerfile != "" {
		candidates = append([]string{job.dockerfile + dockerignore}, candidates...)
	}
	for _, path := range candidates {
		f, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read .dockerignore: %w", err)
		}
		defer f.Close()
		return ignorefile.ReadAll(f)
	}
	return nil, nil
}
