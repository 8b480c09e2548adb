package compose

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/docker/docker/api/types/build"
	"github.com/moby/go-archive"
	"github.com/moby/patternmatcher/ignorefile"

	"verdigris/deploy"
)

// sentDockerfile is the name under which the Dockerfile travels in the context, wherever it came from.
const sentDockerfile = ".verdigris.Dockerfile"

// buildClassic sends the whole context, without what .dockerignore excludes, to the engine's first builder.
func (e *Engine) buildClassic(ctx context.Context, job recipe, log deploy.Log) error {
	if len(job.secrets) > 0 {
		return errors.New("build secrets need BuildKit, and this build is done by the classic builder")
	}
	files, err := contextTar(job)
	if err != nil {
		return err
	}
	defer files.Close()
	options := buildOptions(job)
	options.Version = build.BuilderV1
	options.Dockerfile = sentDockerfile
	options.Remove, options.ForceRemove = true, true
	if options.AuthConfigs, err = e.classicAuth(ctx, log); err != nil {
		return err
	}
	response, err := e.client.ImageBuild(ctx, files, options)
	if err != nil {
		return e.explain(err)
	}
	defer response.Body.Close()
	return readMessages(response.Body, nil, log)
}

// buildOptions are those that both builders share.
func buildOptions(job recipe) build.ImageBuildOptions {
	c := job.config
	return build.ImageBuildOptions{
		Tags:        job.tags,
		NoCache:     job.fresh,
		PullParent:  c.Pull,
		BuildArgs:   c.Args,
		Labels:      job.labels,
		Target:      c.Target,
		NetworkMode: c.Network,
		ExtraHosts:  c.ExtraHosts.AsList(":"),
		ShmSize:     int64(c.ShmSize),
		CacheFrom:   c.CacheFrom,
	}
}

// contextTar packs the context, with every file owned by root and the Dockerfile under its own name.
func contextTar(job recipe) (io.ReadCloser, error) {
	dockerfile := []byte(job.config.DockerfileInline)
	if job.dockerfile != "" {
		var err error
		if dockerfile, err = os.ReadFile(job.dockerfile); err != nil {
			return nil, fmt.Errorf("read Dockerfile: %w", err)
		}
	}
	patterns, err := ignored(job)
	if err != nil {
		return nil, err
	}
	files, err := archive.TarWithOptions(job.config.Context, &archive.TarOptions{
		ExcludePatterns: patterns,
		ChownOpts:       &archive.ChownOpts{},
	})
	if err != nil {
		return nil, fmt.Errorf("pack build context %s: %w", job.config.Context, err)
	}
	return withFile(files, sentDockerfile, dockerfile), nil
}

// ignored reads the patterns of <Dockerfile>.dockerignore or, without it, of the context's .dockerignore.
func ignored(job recipe) ([]string, error) {
	candidates := []string{filepath.Join(job.config.Context, ".dockerignore")}
	if job.dockerfile != "" {
		candidates = append([]string{job.dockerfile + ".dockerignore"}, candidates...)
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

// withFile puts one more file in front of a tar stream.
func withFile(rest io.ReadCloser, name string, content []byte) io.ReadCloser {
	var head bytes.Buffer
	w := tar.NewWriter(&head)
	// Neither fails: a bytes.Buffer takes everything. Flush, not Close: the end mark comes with the rest.
	w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))})
	w.Write(content)
	w.Flush()
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(&head, rest), rest}
}
