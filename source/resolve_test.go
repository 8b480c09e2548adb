package source

import (
	"errors"
	"path/filepath"
	"testing"

	"verdigris/deploy"
)

func TestResolveNamesTheHeadOfABranchOrTag(t *testing.T) {
	u := newUpstream(t)
	first := u.commit("Start", "colour", "white")
	u.git("tag", "light")
	u.git("tag", "--annotate", "--message=one", "v1")
	u.git("branch", "both")
	second := u.commit("Go on", "colour", "blue")
	u.git("tag", "both")
	u.git("branch", "feature/x+y=1")
	u.git("update-ref", "refs/decoys/refs/heads/main", string(first))
	u.git("update-ref", "refs/decoys/refs/heads/lost", string(first))
	r := u.open()
	for ref, want := range map[string]deploy.Commit{
		"main": second, "light": first, "v1": first, "both": first, "feature/x+y=1": second,
		"refs/tags/both": second, "refs/heads/both": first, "refs/tags/v1": first,
		"ABCDEF7890123456789012345678901234567890": "abcdef7890123456789012345678901234567890",
	} {
		if got, err := r.Resolve(testContext(t), ref); err != nil || got != want {
			t.Errorf("%s is %s (%v), want %s", ref, got, err, want)
		}
	}
	for _, ref := range []string{"nothing", "lost", "mai", "heads/main"} {
		if got, err := r.Resolve(testContext(t), ref); !errors.Is(err, deploy.ErrUnknownRef) {
			t.Errorf("%s is %s (%v), want an unknown ref", ref, got, err)
		}
	}
}

func TestHostileNamesOfBranchesAreRefused(t *testing.T) {
	u := newUpstream(t)
	u.commit("Start", "colour", "white")
	t.Chdir(t.TempDir())
	r := u.open()
	for _, ref := range []string{
		"", "--upload-pack=touch x", "--upload-pack=touch${IFS}x", "../../x", "a..b", "a b", "a\nb", "main:x", "*", "x.lock", ".x", "a/.b", "/x", "x/", "a//b", "@", "a@{1}", "x.",
	} {
		_, err := r.Resolve(testContext(t), ref)
		if _, ok := errors.AsType[*deploy.InputError](err); !ok {
			t.Errorf("%q: error is %v", ref, err)
		}
		if ref == "" {
			continue
		}
		if _, err := New(r.dir, Remote{URL: u.dir, Branch: ref}); err == nil {
			t.Errorf("%q is taken as the configured branch", ref)
		}
	}
	if exists("x") || exists(filepath.Join(r.dir, "x")) {
		t.Error("a name was run as a command")
	}
}

func TestResolveInAnEmptyRepository(t *testing.T) {
	u := newUpstream(t)
	if _, err := u.open().Resolve(testContext(t), "main"); !errors.Is(err, deploy.ErrUnknownRef) {
		t.Errorf("error is %v", err)
	}
}

func TestResolveWithoutGitSaysSo(t *testing.T) {
	u := newUpstream(t)
	r := u.open()
	r.Git = "git-that-is-not-installed"
	_, err := r.Resolve(testContext(t), "main")
	if errorHint(err) != "install git 2.32 or newer" {
		t.Errorf("error is %v", err)
	}
	if _, err := r.Version(testContext(t)); errorHint(err) == "" {
		t.Errorf("Version: error is %v", err)
	}
}

func TestVersionRefusesAGitThatIsTooOld(t *testing.T) {
	u := newUpstream(t)
	r := u.open()
	if version, err := r.Version(testContext(t)); err != nil || version == "" {
		t.Errorf("version is %q (%v)", version, err)
	}
	r.Git = script(t, "echo git version 2.31.8")
	if version, err := r.Version(testContext(t)); version != "2.31.8" || errorHint(err) == "" {
		t.Errorf("version is %q (%v)", version, err)
	}
}
