package compose

import (
	"context"
	"fmt"

	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/filesync"
	"github.com/moby/buildkit/session/grpchijack"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/moby/buildkit/session/sshforward/sshprovider"
	"github.com/tonistiigi/fsutil"
	fstypes "github.com/tonistiigi/fsutil/types"
)

// The names under which BuildKit asks for the directories of every build.
const (
	localContext    = "context"
	localDockerfile = "dockerfile"
)

// openSession offers the build's files, secrets and ssh keys to BuildKit until ctx ends. BuildKit waits for a session
// that is on its way.
func (b *buildKit) openSession(ctx context.Context, job recipe, dockerfileDir string) (*session.Session, error) {
	s, err := session.NewSession(ctx, job.name)
	if err != nil {
		return nil, fmt.Errorf("open build session: %w", err)
	}
	files, err := job.files(dockerfileDir)
	if err != nil {
		return nil, err
	}
	s.Allow(filesync.NewFSSyncProvider(files))
	s.Allow(secretsprovider.FromMap(job.secrets))
	s.Allow(b.engine.buildAuth())
	if len(job.config.SSH) > 0 {
		keys, err := job.sshKeys()
		if err != nil {
			return nil, err
		}
		s.Allow(keys)
	}
	go s.Run(ctx, grpchijack.Dialer(b.api))
	return s, nil
}

// files are the directories that BuildKit may read.
func (job recipe) files(dockerfileDir string) (filesync.StaticDirSource, error) {
	dirs := map[string]string{localDockerfile: dockerfileDir}
	if !isRemote(job.config.Context) {
		dirs[localContext] = job.config.Context
	}
	for _, c := range job.contexts {
		if c.directory() {
			dirs[c.local()] = c.source
		}
	}
	files := filesync.StaticDirSource{}
	for name, dir := range dirs {
		fs, err := fsutil.NewFS(dir)
		if err != nil {
			return nil, fmt.Errorf("open build context: %w", err)
		}
		if files[name], err = rootOwned(fs); err != nil {
			return nil, fmt.Errorf("open build context: %w", err)
		}
	}
	return files, nil
}

// rootOwned makes every file belong to root, as builds expect, whoever checked it out.
func rootOwned(fs fsutil.FS) (fsutil.FS, error) {
	return fsutil.NewFilterFS(fs, &fsutil.FilterOpt{Map: func(_ string, stat *fstypes.Stat) fsutil.MapResult {
		stat.Uid, stat.Gid = 0, 0
		return fsutil.MapResultKeep
	}})
}

// sshKeys forwards the ssh agent, or keys from files, under the ids of the compose file. The keys themselves stay here.
func (job recipe) sshKeys() (session.Attachable, error) {
	var agents []sshprovider.AgentConfig
	for _, key := range job.config.SSH {
		agent := sshprovider.AgentConfig{ID: key.ID}
		if key.Path != "" {
			agent.Paths = []string{key.Path}
		}
		agents = append(agents, agent)
	}
	keys, err := sshprovider.NewSSHAgentProvider(agents)
	if err != nil {
		return nil, fmt.Errorf("build.ssh: %w", err)
	}
	return keys, nil
}
