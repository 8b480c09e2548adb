package source

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// upstream is a real repository that stands for the forge's.
type upstream struct {
	t   testing.TB
	dir string
}

func newUpstream(t testing.TB, args ...string) *upstream {
	t.Helper()
	testkit.NeedProgram(t, "git")
	u := &upstream{t: t, dir: filepath.Join(t.TempDir(), "upstream")}
	u.exec("", append([]string{"init", "--quiet", "--initial-branch=main", u.dir}, args...)...)
	return u
}

// git runs git in the repository and returns what it prints.
func (u *upstream) git(args ...string) string {
	u.t.Helper()
	return u.exec("", append([]string{"-C", u.dir}, args...)...)
}

func (u *upstream) exec(stdin string, args ...string) string {
	u.t.Helper()
	cmd := exec.CommandContext(u.t.Context(), "git", args...)
	cmd.Env = append(baseEnvironment(),
		"GIT_AUTHOR_NAME=Mona", "GIT_AUTHOR_EMAIL=mona@acme.example", "GIT_COMMITTER_NAME=Mona", "GIT_COMMITTER_EMAIL=mona@acme.example",
		"GIT_AUTHOR_DATE=1795192832 +0100", "GIT_COMMITTER_DATE=1795192832 +0100")
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		u.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit writes files (name, content, name, content, ...) and commits all there is.
func (u *upstream) commit(message string, files ...string) deploy.Commit {
	u.t.Helper()
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(u.dir, files[i])
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			u.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[i+1]), 0o644); err != nil {
			u.t.Fatal(err)
		}
	}
	u.git("add", "--all", "--force")
	return u.commitIndex(message)
}

func (u *upstream) commitIndex(message string) deploy.Commit {
	u.t.Helper()
	u.git("commit", "--quiet", "--allow-empty", "--message="+message)
	return u.head()
}

func (u *upstream) head() deploy.Commit { return deploy.Commit(u.git("rev-parse", "HEAD")) }

// open returns a fresh Repository for the remote, with state of its own.
func open(t testing.TB, remote Remote) *Repository {
	t.Helper()
	return openIn(t, filepath.Join(t.TempDir(), "apps", "gallery"), remote)
}

func openIn(t testing.TB, dir string, remote Remote) *Repository {
	t.Helper()
	r, err := New(dir, remote)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (u *upstream) open() *Repository {
	u.t.Helper()
	return open(u.t, Remote{URL: u.dir, Branch: "main"})
}

func mustFetch(t testing.TB, r *Repository, commit deploy.Commit) deploy.Checkout {
	t.Helper()
	checkout, err := r.Fetch(testContext(t), commit, nil)
	if err != nil {
		t.Fatalf("Fetch: %v", err)
	}
	return checkout
}

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func content(t testing.TB, checkout deploy.Checkout, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(checkout.Dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// script writes an executable shell script and returns its path.
func script(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// waitFor returns as soon as the condition holds.
func waitFor(t testing.TB, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("waited 20s for %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
