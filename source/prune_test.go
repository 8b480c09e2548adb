package source

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"verdigris/deploy"
)

func TestPruneKeepsWhatItIsToldAndWhatIsInUse(t *testing.T) {
	u := newUpstream(t)
	r := u.open()
	var commits []deploy.Commit
	for _, colour := range []string{"white", "blue", "green", "red"} {
		commits = append(commits, u.commit(colour, "colour", colour))
		mustFetch(t, r, commits[len(commits)-1])
	}
	stranger := filepath.Join(r.releases(), "notes")
	if err := os.Mkdir(stranger, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := r.Prune(testContext(t), commits[1:2]); err != nil {
		t.Fatal(err)
	}
	refs := u.exec("", "--git-dir="+r.mirror(), "for-each-ref", "--format=%(refname)")
	for i, want := range []bool{false, true, false, true} { // the last one was fetched last
		if got := exists(r.releaseDir(commits[i])); got != want {
			t.Errorf("checkout %d is there: %v", i, got)
		}
		if got := strings.Contains(refs, string(commits[i])); got != want {
			t.Errorf("ref %d is there: %v", i, got)
		}
	}
	if !exists(stranger) {
		t.Error("a folder that is no checkout was removed")
	}
	if got := content(t, mustFetch(t, r, commits[0]), "colour"); got != "white" {
		t.Errorf("a pruned commit comes back as %s", got)
	}
}

func TestPruneBeforeAnythingWasFetched(t *testing.T) {
	u := newUpstream(t)
	if err := u.open().Prune(testContext(t), nil); err != nil {
		t.Error(err)
	}
}

// BenchmarkFetch brings new commits of a small repository onto disk: fetch, archive and bringing to disk.
func BenchmarkFetch(b *testing.B) {
	u := newUpstream(b)
	for i := range 20 {
		u.commit("Start", filepath.Join("folder", strings.Repeat("x", i+1)), strings.Repeat("line\n", 1000))
	}
	r := u.open()
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		commit := u.commit("Go on", "file", strings.Repeat("y", i))
		b.StartTimer()
		mustFetch(b, r, commit)
	}
}

// BenchmarkFetchAgain finds a commit that is there.
func BenchmarkFetchAgain(b *testing.B) {
	u := newUpstream(b)
	commit := u.commit("Start", "colour", "white")
	r := u.open()
	for b.Loop() {
		mustFetch(b, r, commit)
	}
}
