package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"verdigris/deploy"
)

// Prune removes the checkouts of all commits but those to keep, and what the mirror has for them. The commit that was
// fetched last is in use and stays too.
func (r *Repository) Prune(ctx context.Context, keep []deploy.Commit) error {
	s, err := r.open(ctx, nil)
	if err != nil {
		return err
	}
	defer s.close()
	keeping := map[deploy.Commit]bool{r.inUse(): true}
	for _, commit := range keep {
		keeping[commit] = true
	}
	return errors.Join(s.pruneCheckouts(keeping), s.pruneMirror(ctx, keeping))
}

func (s *session) pruneCheckouts(keeping map[deploy.Commit]bool) error {
	entries, err := os.ReadDir(s.releases())
	if err != nil {
		return fmt.Errorf("prune checkouts: %w", err)
	}
	var failed error
	for _, entry := range entries {
		commit, err := deploy.ParseCommit(entry.Name())
		if err != nil || keeping[commit] {
			continue
		}
		if err := s.removeCheckout(entry.Name()); err != nil {
			failed = errors.Join(failed, fmt.Errorf("prune checkouts: %w", err))
		}
	}
	return failed
}

// removeCheckout takes the name away first, so that a half-removed checkout is never taken for whole.
func (s *session) removeCheckout(name string) error {
	doomed := filepath.Join(s.releases(), temporaryPrefix+name)
	if err := os.Rename(filepath.Join(s.releases(), name), doomed); err != nil {
		return err
	}
	return os.RemoveAll(doomed)
}

// pruneMirror removes refs and lets git decide whether there is enough to tidy up; most of the time there is not.
func (s *session) pruneMirror(ctx context.Context, keeping map[deploy.Commit]bool) error {
	if _, err := os.Stat(filepath.Join(s.mirror(), "HEAD")); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	refs, err := s.git(ctx, command{verb: "prune mirror", args: []string{"for-each-ref", "--format=%(refname)", "refs/deploy/"}})
	if err != nil {
		return err
	}
	var deletions strings.Builder
	for ref := range strings.Lines(refs) {
		ref = strings.TrimSpace(ref)
		if !keeping[deploy.Commit(strings.TrimPrefix(ref, "refs/deploy/"))] {
			fmt.Fprintf(&deletions, "delete %s\n", ref)
		}
	}
	if deletions.Len() == 0 {
		return nil
	}
	if _, err := s.git(ctx, command{verb: "prune mirror", args: []string{"update-ref", "--stdin"}, stdin: deletions.String()}); err != nil {
		return err
	}
	_, err = s.git(ctx, command{verb: "tidy mirror", args: []string{"gc", "--auto", "--quiet", "--prune=now"}, timeout: s.FetchTimeout})
	return err
}
