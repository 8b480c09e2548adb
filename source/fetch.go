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

// fetch brings the commit into the mirror, without its history, and looks it up again.
func (s *session) fetch(ctx context.Context, id deploy.Commit) (commitInfo, error) {
	s.tell("fetching " + id.Short() + " from " + s.at.url)
	if err := s.initMirror(ctx, id); err != nil {
		return commitInfo{}, err
	}
	err := s.transfer(ctx, "--depth=1", "+"+string(id)+":"+deployRef(id))
	if errors.Is(err, errUnadvertised) {
		s.tell("the server does not hand out single commits: fetching branches with their history")
		err = s.fetchBranches(ctx, id)
	}
	if errors.Is(err, errNotOurRef) {
		return commitInfo{}, s.unknown(id)
	}
	if err != nil {
		return commitInfo{}, err
	}
	info, err := s.commit(ctx, id)
	if errors.Is(err, errNotInMirror) {
		err = notACommit(id)
	}
	if errors.Is(err, deploy.ErrUnknownCommit) {
		err = errors.Join(err, s.forget(ctx, id))
	}
	return info, err
}

// transfer fetches refspecs and nothing else: no tags, no submodules, no FETCH_HEAD.
func (s *session) transfer(ctx context.Context, depth string, refspecs ...string) error {
	args := []string{"fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules"}
	if depth != "" {
		args = append(args, depth)
	}
	args = append(args, "--", s.at.url)
	_, err := s.git(ctx, command{verb: "fetch from " + s.at.url, args: append(args, refspecs...), timeout: s.FetchTimeout, log: s.log})
	return err
}

// fetchBranches is for servers that only hand out the heads of branches: it fetches the app's branch with its
// history, then all branches and tags, until the commit is there.
func (s *session) fetchBranches(ctx context.Context, id deploy.Commit) error {
	every := []string{"+refs/heads/*:refs/fetched/heads/*", "+refs/tags/*:refs/fetched/tags/*"}
	attempts := [][]string{every}
	if b := s.remote.Branch; b != "" {
		attempts = [][]string{{"+refs/heads/" + b + ":refs/fetched/heads/" + b}, every}
	}
	for _, refspecs := range attempts {
		if err := s.deepen(ctx, refspecs); err != nil && !errors.Is(err, errNoBranch) {
			return err
		}
		err := s.point(ctx, id)
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
	return errNotOurRef
}

// deepen fetches whole histories: commits that were fetched alone before would otherwise end them.
func (s *session) deepen(ctx context.Context, refspecs []string) error {
	depth := ""
	if _, err := os.Stat(filepath.Join(s.mirror(), "shallow")); err == nil {
		depth = "--unshallow"
	}
	return s.transfer(ctx, depth, refspecs...)
}

// point makes the commit's ref; it fails when the mirror does not have the commit.
func (s *session) point(ctx context.Context, id deploy.Commit) error {
	_, err := s.git(ctx, command{verb: "mark commit", args: []string{"update-ref", "--", deployRef(id), string(id) + "^{commit}"}})
	return err
}

// forget removes the ref of something that turned out not to be a commit.
func (s *session) forget(ctx context.Context, id deploy.Commit) error {
	_, err := s.git(ctx, command{verb: "forget object", args: []string{"update-ref", "-d", "--", deployRef(id)}})
	return err
}

func (s *session) unknown(id deploy.Commit) error {
	return &deploy.HintedError{
		Err:  fmt.Errorf("fetch %s from %s: %w", id.Short(), s.at.url, deploy.ErrUnknownCommit),
		Next: "check the id, and that the commit was pushed to this repository",
	}
}

func notACommit(id deploy.Commit) error {
	return fmt.Errorf("look up %s: it is an object of another kind: %w", id.Short(), deploy.ErrUnknownCommit)
}

// subject shortens the first line of a commit message for people.
func subject(line string) string {
	line = strings.TrimSpace(printable(line))
	if runes := []rune(line); len(runes) > 200 {
		return string(runes[:200])
	}
	return line
}
