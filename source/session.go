package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"verdigris/deploy"
)

// session is one piece of work on the mirror, done by the holder of its lock.
type session struct {
	*Repository
	lock *os.File
	log  deploy.Log
}

// commitInfo is what the mirror says about a commit.
type commitInfo struct {
	id      deploy.Commit
	time    time.Time // of the committer
	subject string
}

var errNotInMirror = errors.New("the mirror does not have the commit")

// open takes the lock and clears away what a killed process left.
func (r *Repository) open(ctx context.Context, log deploy.Log) (*session, error) {
	if err := r.prepare(); err != nil {
		return nil, err
	}
	file, err := r.waitForLock(ctx)
	if err != nil {
		return nil, err
	}
	r.sweep()
	return &session{Repository: r, lock: file, log: log}, nil
}

// close gives the lock back.
func (s *session) close() { s.lock.Close() }

func (s *session) tell(line string) {
	if s.log != nil {
		s.log(line)
	}
}

// prepare makes the folders and files that every run of git needs.
func (r *Repository) prepare() error {
	if err := os.MkdirAll(r.releases(), 0o755); err != nil {
		return fmt.Errorf("make folder of releases: %w", err)
	}
	if err := r.writeTrustFile(); err != nil {
		return fmt.Errorf("write git settings: %w", err)
	}
	return nil
}

// git runs one command on the mirror. The mirror is always named, so that git never looks for a repository around it.
func (s *session) git(ctx context.Context, c command) (string, error) {
	c.args = append([]string{"--git-dir=" + s.mirror()}, c.args...)
	c.lock = s.lock
	if c.timeout == 0 {
		c.timeout = s.LocalTimeout
	}
	return s.run(ctx, c)
}

// commit looks the commit up in the mirror. Only one with a ref below refs/deploy counts: git writes it last, when
// all the objects are there.
func (s *session) commit(ctx context.Context, id deploy.Commit) (commitInfo, error) {
	out, err := s.git(ctx, command{
		verb: "look up commit",
		args: []string{"for-each-ref", "--format=%(objectname) %(objecttype) %(committerdate:unix) %(contents:subject)", deployRef(id)},
	})
	if err != nil && ctx.Err() == nil {
		return commitInfo{}, errNotInMirror // no mirror, or a broken one: fetch mends it or says what is wrong
	}
	if err != nil {
		return commitInfo{}, err
	}
	fields := strings.SplitN(strings.TrimSuffix(out, "\n"), " ", 4)
	if len(fields) != 4 || fields[0] != string(id) {
		return commitInfo{}, errNotInMirror
	}
	seconds, err := strconv.ParseInt(fields[2], 10, 64)
	if fields[1] != "commit" || err != nil {
		return commitInfo{}, notACommit(id)
	}
	return commitInfo{id: id, time: time.Unix(seconds, 0), subject: subject(fields[3])}, nil
}

// initMirror makes the bare repository, with the hash that the commit id shows, unless it is there. It gets its name
// last; one that a power cut emptied is made anew, for it is only a copy.
func (s *session) initMirror(ctx context.Context, id deploy.Commit) error {
	if head, err := os.ReadFile(filepath.Join(s.mirror(), "HEAD")); err == nil && len(head) > 0 {
		return nil
	}
	temporary, err := os.MkdirTemp(s.releases(), temporaryPrefix)
	if err != nil {
		return fmt.Errorf("make mirror: %w", err)
	}
	format := "sha1"
	if len(id) == 64 {
		format = "sha256"
	}
	_, err = s.run(ctx, command{
		verb:    "make mirror",
		args:    []string{"init", "--quiet", "--bare", "--template=", "--object-format=" + format, "--", temporary},
		timeout: s.LocalTimeout,
		lock:    s.lock,
	})
	if err != nil {
		return err
	}
	if err := s.adoptMirror(temporary); err != nil {
		return fmt.Errorf("make mirror: %w", err)
	}
	return nil
}

// attributes make a checkout hold every file as it was committed: what .gitattributes says of archives, large file
// storage and other filters is set aside (gitattributes(5): info/attributes comes first).
const attributes = "* -export-ignore -export-subst -filter -ident -working-tree-encoding\n"

func (s *session) adoptMirror(temporary string) error {
	if err := os.MkdirAll(filepath.Join(temporary, "info"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(temporary, "info", "attributes"), []byte(attributes), 0o644); err != nil {
		return err
	}
	if err := os.RemoveAll(s.mirror()); err != nil {
		return err
	}
	return publish(temporary, s.mirror())
}
