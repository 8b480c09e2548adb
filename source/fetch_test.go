package source

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"verdigris/deploy"
)

func TestFetchBringsExactlyThePushedCommitThoughTheBranchMovedOn(t *testing.T) {
	u := newUpstream(t)
	first := u.commit("Paint it blue\n\nAll of it.", "colour", "blue", "deep/er/file", "x")
	second := u.commit("Paint it green", "colour", "green")
	r := u.open()
	checkout := mustFetch(t, r, first)
	if content(t, checkout, "colour") != "blue" || content(t, checkout, "deep/er/file") != "x" || checkout.Subject != "Paint it blue" {
		t.Errorf("checkout is %+v", checkout)
	}
	if want := filepath.Join(r.dir, "releases", string(first)); checkout.Dir != want {
		t.Errorf("checkout is in %s, want %s", checkout.Dir, want)
	}
	if other := mustFetch(t, r, second); content(t, other, "colour") != "green" || content(t, checkout, "colour") != "blue" {
		t.Error("the second checkout is not beside the first")
	}
}

func TestFetchFindsACommitThatAForcedPushTookAway(t *testing.T) {
	u := newUpstream(t)
	u.commit("Start", "colour", "white")
	lost := u.commit("Paint it red", "colour", "red")
	u.git("reset", "--quiet", "--hard", "HEAD~1")
	u.commit("Paint it green", "colour", "green")
	if got := content(t, mustFetch(t, u.open(), lost), "colour"); got != "red" {
		t.Errorf("colour is %s", got)
	}
}

func TestASecondFetchNeedsNoRepository(t *testing.T) {
	u := newUpstream(t)
	commit := u.commit("Start", "colour", "white")
	r := u.open()
	first := mustFetch(t, r, commit)
	if err := os.RemoveAll(u.dir); err != nil {
		t.Fatal(err)
	}
	if again := mustFetch(t, r, commit); again != first {
		t.Errorf("second checkout is %+v, first was %+v", again, first)
	}
	if err := os.RemoveAll(first.Dir); err != nil {
		t.Fatal(err)
	}
	if again := mustFetch(t, r, commit); content(t, again, "colour") != "white" {
		t.Error("a removed checkout was not made again from the mirror")
	}
}

func TestFetchLeavesHistoryWhereItIs(t *testing.T) {
	u := newUpstream(t)
	u.commit("Start", "big", strings.Repeat("history ", 1000))
	commit := u.commit("Go on", "big", "small")
	r := u.open()
	mustFetch(t, r, commit)
	if n := u.exec("", "--git-dir="+r.mirror(), "rev-list", "--count", deployRef(commit)); n != "1" {
		t.Errorf("the mirror has %s commits", n)
	}
}

func TestFetchFromAShallowRepository(t *testing.T) {
	u := newUpstream(t)
	u.commit("Start", "colour", "white")
	commit := u.commit("Go on", "colour", "blue")
	shallow := filepath.Join(t.TempDir(), "shallow")
	u.exec("", "clone", "--quiet", "--depth=1", "file://"+u.dir, shallow)
	if got := content(t, mustFetch(t, open(t, Remote{URL: "file://" + shallow}), commit), "colour"); got != "blue" {
		t.Errorf("colour is %s", got)
	}
}

func TestFetchFromARepositoryThatUsesSHA256(t *testing.T) {
	u := newUpstream(t, "--object-format=sha256")
	commit := u.commit("Start", "colour", "white")
	if got := content(t, mustFetch(t, u.open(), commit), "colour"); len(commit) != 64 || got != "white" {
		t.Errorf("commit %s, colour %s", commit, got)
	}
}

func TestCommitsThatAreNotThereAreUnknown(t *testing.T) {
	u := newUpstream(t)
	commit := u.commit("Start", "colour", "white")
	u.git("tag", "--annotate", "--message=one", "v1")
	r := u.open()
	for name, id := range map[string]string{
		"no object at all":   "1234567890123456789012345678901234567890",
		"a file":             u.git("rev-parse", "HEAD:colour"),
		"a folder":           u.git("rev-parse", "HEAD^{tree}"),
		"an annotated tag's": u.git("rev-parse", "v1"),
	} {
		_, err := r.Fetch(testContext(t), deploy.Commit(id), nil)
		if !errors.Is(err, deploy.ErrUnknownCommit) {
			t.Errorf("%s: error is %v", name, err)
		}
		if exists(filepath.Join(r.releases(), id)) {
			t.Errorf("%s: there is a checkout", name)
		}
	}
	if _, err := r.Fetch(testContext(t), "1234567890123456789012345678901234567890", nil); errorHint(err) == "" {
		t.Errorf("no hint comes with %v", err)
	}
	mustFetch(t, r, commit) // the mirror is none the worse
}

func errorHint(err error) string {
	if hinted, ok := errors.AsType[*deploy.HintedError](err); ok {
		return hinted.Next
	}
	return ""
}

func TestFetchRefusesWhatIsNotAFullCommitID(t *testing.T) {
	u := newUpstream(t)
	commit := u.commit("Start", "colour", "white")
	for _, id := range []deploy.Commit{"", "main", "HEAD", commit[:12], "--upload-pack=touch x", "../../../../x", commit + "^", deploy.Commit(strings.Repeat("0", 40))} {
		_, err := u.open().Fetch(testContext(t), id, nil)
		if _, ok := errors.AsType[*deploy.InputError](err); !ok {
			t.Errorf("%q: error is %v", id, err)
		}
	}
}

func TestManyFetchesAtOnceGetWholeCheckouts(t *testing.T) {
	u := newUpstream(t)
	var commits []deploy.Commit
	for _, colour := range []string{"white", "blue", "green"} {
		commits = append(commits, u.commit(colour, "colour", colour))
	}
	dir := t.TempDir()
	var group sync.WaitGroup
	for range 3 {
		r := openIn(t, dir, Remote{URL: u.dir}) // as another process would have it
		for _, commit := range commits {
			group.Go(func() {
				checkout, err := r.Fetch(testContext(t), commit, nil)
				if err != nil {
					t.Errorf("Fetch: %v", err)
				} else if colour, err := os.ReadFile(filepath.Join(checkout.Dir, "colour")); err != nil || string(colour) != checkout.Subject {
					t.Errorf("colour is %q in the checkout of %q: %v", colour, checkout.Subject, err)
				}
			})
		}
	}
	group.Wait()
}

func TestWhatAKilledFetchLeftBehindDoesNoHarm(t *testing.T) {
	u := newUpstream(t)
	first := u.commit("Start", "colour", "white")
	second := u.commit("Go on", "colour", "blue")
	r := u.open()
	mustFetch(t, r, first)
	half := filepath.Join(r.releases(), temporaryPrefix+"123")
	pack := filepath.Join(r.mirror(), "objects", "pack", "tmp_pack_x")
	for _, path := range []string{
		filepath.Join(half, "colour"), pack, filepath.Join(r.mirror(), "shallow.lock"), filepath.Join(r.mirror(), deployRef(second)+".lock"),
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("half"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := content(t, mustFetch(t, r, second), "colour"); got != "blue" {
		t.Errorf("colour is %s", got)
	}
	if exists(half) || exists(pack) {
		t.Error("the remains are still there")
	}
}

func TestAHalfMadeMirrorIsMended(t *testing.T) {
	u := newUpstream(t)
	commit := u.commit("Start", "colour", "white")
	r := u.open()
	if err := os.MkdirAll(filepath.Join(r.mirror(), "objects"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.mirror(), "HEAD"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := content(t, mustFetch(t, r, commit), "colour"); got != "white" {
		t.Errorf("colour is %s", got)
	}
}

func TestARepositoryThatIsNotThereIsExplained(t *testing.T) {
	_, err := open(t, Remote{URL: filepath.Join(t.TempDir(), "nowhere")}).Fetch(testContext(t), "1234567890123456789012345678901234567890", nil)
	logged, ok := errors.AsType[*deploy.LoggedError](err)
	if !ok || len(logged.Lines) == 0 || !strings.Contains(errorHint(err), "repository.url") || errors.Is(err, deploy.ErrUnknownCommit) {
		t.Errorf("error is %v with hint %q", err, errorHint(err))
	}
}

func TestARepositoryOfAnotherOwnerIsReadAndNoOther(t *testing.T) {
	u := newUpstream(t)
	commit := u.commit("Start", "colour", "white")
	u.git("config", "core.bare", "false")
	r := u.open()
	r.env = []string{"GIT_TEST_ASSUME_DIFFERENT_OWNER=1"}
	if got := content(t, mustFetch(t, r, commit), "colour"); got != "white" {
		t.Errorf("colour is %s", got)
	}
	if _, err := r.Resolve(testContext(t), "main"); err != nil {
		t.Errorf("Resolve: %v", err)
	}
	other := newUpstream(t)
	r.at.url = other.dir // the trust file still names the first
	if _, err := r.run(testContext(t), command{verb: "ask", args: []string{"ls-remote", "--", other.dir}, timeout: r.ResolveTimeout}); err == nil || !strings.Contains(err.Error(), "another user") {
		t.Errorf("error is %v", err)
	}
}
