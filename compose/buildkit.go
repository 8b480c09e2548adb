package compose

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/docker/docker/api/types/build"
	"github.com/docker/docker/client"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/filesync"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/tonistiigi/fsutil"
	fstypes "github.com/tonistiigi/fsutil/types"

	"verdigris/deploy"
)

// errNoBuildKit means that the engine does not take a BuildKit session.
var errNoBuildKit = errors.New("the engine has no BuildKit")

// buildKitBuild builds with the BuildKit inside the engine: the engine asks for the files it needs over a session,
// so that an unchanged context is not sent again, and cache mounts and secrets work.
func (e *Engine) buildKitBuild(ctx context.Context, job recipe, log deploy.Log) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dockerfile, clean, err := dockerfileOnDisk(job)
	if err != nil {
		return err
	}
	defer clean()
	s, err := e.openSession(ctx, job, filepath.Dir(dockerfile))
	if err != nil {
		return err
	}
	defer s.Close()

	options := buildOptions(job)
	options.Version = build.BuilderBuildKit
	options.SessionID = s.ID()
	options.RemoteContext = "client-session"
	options.Dockerfile = filepath.Base(dockerfile)
	response, err := e.client.ImageBuild(ctx, nil, options)
	if err != nil {
		return e.explain(err)
	}
	defer response.Body.Close()
	trace := newTrace(log)
	return readMessages(response.Body, func(id string, content json.RawMessage) {
		if id == "moby.buildkit.trace" {
			trace.read(content)
		}
	}, log)
}

// openSession offers the context, the Dockerfile's directory and the secrets to the engine until ctx ends.
func (e *Engine) openSession(ctx context.Context, job recipe, dockerfileDir string) (*session.Session, error) {
	files := filesync.StaticDirSource{}
	for name, dir := range map[string]string{"context": job.config.Context, "dockerfile": dockerfileDir} {
		fs, err := fsutil.NewFS(dir)
		if err != nil {
			return nil, fmt.Errorf("open build context: %w", err)
		}
		if files[name], err = rootOwned(fs); err != nil {
			return nil, fmt.Errorf("open build context: %w", err)
		}
	}
	s, err := session.NewSession(ctx, job.name)
	if err != nil {
		return nil, fmt.Errorf("open build session: %w", err)
	}
	s.Allow(filesync.NewFSSyncProvider(files))
	s.Allow(e.buildAuth())
	if len(job.secrets) > 0 {
		secrets, err := offered(job.secrets)
		if err != nil {
			return nil, err
		}
		s.Allow(secrets)
	}
	return s, e.serve(ctx, s)
}

// serve answers the engine's questions in the background. It returns once the engine has taken the session.
func (e *Engine) serve(ctx context.Context, s *session.Session) error {
	dialed := make(chan error, 1)
	go s.Run(ctx, func(ctx context.Context, proto string, meta map[string][]string) (net.Conn, error) {
		conn, err := e.client.DialHijack(ctx, "/session", proto, meta)
		dialed <- err
		return conn, err
	})
	select {
	case err := <-dialed:
		if err == nil {
			return nil
		}
		s.Close()
		if client.IsErrConnectionFailed(err) {
			return e.explain(err)
		}
		return fmt.Errorf("%w: %w", errNoBuildKit, err)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// offered are the build secrets, read from their files when the build asks.
func offered(files map[string]string) (session.Attachable, error) {
	var sources []secretsprovider.Source
	for id, path := range files {
		sources = append(sources, secretsprovider.Source{ID: id, FilePath: path})
	}
	store, err := secretsprovider.NewStore(sources)
	if err != nil {
		return nil, fmt.Errorf("read build secret: %w", err)
	}
	return secretsprovider.NewSecretProvider(store), nil
}

// rootOwned makes every file belong to root, as builds expect, whoever checked it out.
func rootOwned(fs fsutil.FS) (fsutil.FS, error) {
	return fsutil.NewFilterFS(fs, &fsutil.FilterOpt{Map: func(_ string, stat *fstypes.Stat) fsutil.MapResult {
		stat.Uid, stat.Gid = 0, 0
		return fsutil.MapResultKeep
	}})
}

// dockerfileOnDisk returns the Dockerfile's path; an inline one is written to a directory that clean removes.
func dockerfileOnDisk(job recipe) (path string, clean func(), err error) {
	if job.dockerfile != "" {
		if _, err := os.Stat(job.dockerfile); err != nil {
			return "", nil, fmt.Errorf("read Dockerfile: %w", err)
		}
		return job.dockerfile, func() {}, nil
	}
	dir, err := os.MkdirTemp("", "verdigris-build-")
	if err != nil {
		return "", nil, fmt.Errorf("write inline Dockerfile: %w", err)
	}
	clean = func() { os.RemoveAll(dir) }
	path = filepath.Join(dir, "Dockerfile")
	if err := os.WriteFile(path, []byte(job.config.DockerfileInline), 0o600); err != nil {
		clean()
		return "", nil, fmt.Errorf("write inline Dockerfile: %w", err)
	}
	return path, clean, nil
}
