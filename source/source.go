package source

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"verdigris/deploy"
)

// Repository is the git repository of one app and what verdigris keeps of it. It may be used by several goroutines,
// and by several processes on the same folder.
type Repository struct {
	// Git and SSH are the programs to run.
	Git, SSH string
	// FetchTimeout bounds one transfer from the remote, ResolveTimeout one question to it, LocalTimeout one command
	// on the mirror.
	FetchTimeout, ResolveTimeout, LocalTimeout time.Duration

	dir    string
	remote Remote
	at     endpoint
	env    []string // more variables for git, in tests

	mu   sync.Mutex
	last deploy.Commit // fetched last, hence in use
}

var _ deploy.Source = (*Repository)(nil)

// New returns the repository whose mirror and checkouts are kept in dir: mirror.git and releases/<commit>. Nothing is
// read or written yet. A URL that is not supported is a *deploy.InputError.
func New(dir string, remote Remote) (*Repository, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find folder of the mirror: %w", err)
	}
	at, err := remote.parse()
	if err == nil {
		err = remote.checkSSH()
	}
	if err == nil && remote.Branch != "" {
		err = checkRefName(remote.Branch)
	}
	if err != nil {
		return nil, err
	}
	return &Repository{
		Git: "git", SSH: "ssh",
		FetchTimeout: 10 * time.Minute, ResolveTimeout: 30 * time.Second, LocalTimeout: 2 * time.Minute,
		dir: dir, remote: remote, at: at,
	}, nil
}

// Fetch brings exactly that commit onto disk, whether or not a branch still leads to it. A second call finds the
// checkout there and is quick. log gets what git says.
func (r *Repository) Fetch(ctx context.Context, commit deploy.Commit, log deploy.Log) (deploy.Checkout, error) {
	commit, err := deploy.ParseCommit(string(commit))
	if err != nil {
		return deploy.Checkout{}, err
	}
	if commit.IsZero() {
		return deploy.Checkout{}, &deploy.InputError{Reason: "the commit id is all zeros, which means that there is none"}
	}
	s, err := r.open(ctx, log)
	if err != nil {
		return deploy.Checkout{}, err
	}
	defer s.close()
	info, err := s.commit(ctx, commit)
	if errors.Is(err, errNotInMirror) {
		info, err = s.fetch(ctx, commit)
	}
	if err != nil {
		return deploy.Checkout{}, err
	}
	dir, err := s.checkout(ctx, info)
	if err != nil {
		return deploy.Checkout{}, roomFor(err)
	}
	r.use(commit)
	return deploy.Checkout{Dir: dir, Subject: info.subject}, nil
}

func (r *Repository) use(commit deploy.Commit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = commit
}

func (r *Repository) inUse() deploy.Commit {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

func (r *Repository) mirror() string   { return filepath.Join(r.dir, "mirror.git") }
func (r *Repository) releases() string { return filepath.Join(r.dir, "releases") }

func (r *Repository) releaseDir(commit deploy.Commit) string {
	return filepath.Join(r.releases(), string(commit))
}

func deployRef(commit deploy.Commit) string { return "refs/deploy/" + string(commit) }
