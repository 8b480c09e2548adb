package source

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"verdigris/deploy"
)

func TestACheckoutHasPermissionsLinksAndTimesOfTheCommit(t *testing.T) {
	u := newUpstream(t)
	if err := os.Symlink("/etc/passwd", filepath.Join(u.dir, "out")); err != nil {
		t.Fatal(err)
	}
	u.commit("Start", "run.sh", "#!/bin/sh", "deep/data", "x")
	u.git("update-index", "--chmod=+x", "run.sh")
	commit := u.commitIndex("Make it run")
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	dir := mustFetch(t, u.open(), commit).Dir
	for name, mode := range map[string]os.FileMode{"run.sh": 0o755, "deep/data": 0o644, "deep": 0o755 | os.ModeDir, ".": 0o755 | os.ModeDir} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode() != mode || info.ModTime().Unix() != 1795192832 {
			t.Errorf("%s: mode %v, time %v (%v)", name, info.Mode(), info.ModTime(), err)
		}
	}
	if target, err := os.Readlink(filepath.Join(dir, "out")); err != nil || target != "/etc/passwd" {
		t.Errorf("the link leads to %s (%v)", target, err)
	}
	if exists(filepath.Join(dir, ".git")) {
		t.Error("the checkout is a repository")
	}
}

func TestTwoVersionsOfAFileDifferInTimeEvenWithinASecond(t *testing.T) {
	u := newUpstream(t)
	first := u.commit("Start", "changed", "v1", "same", "x")
	second := u.commit("Go on", "changed", "v2")
	r := u.open()
	modified := func(commit deploy.Commit, name string) time.Time {
		info, err := os.Stat(filepath.Join(mustFetch(t, r, commit).Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return info.ModTime()
	}
	if a, b := modified(first, "changed"), modified(second, "changed"); a.Equal(b) || a.Unix() != b.Unix() {
		t.Errorf("times are %v and %v", a, b)
	}
	if a, b := modified(first, "same"), modified(second, "same"); !a.Equal(b) {
		t.Errorf("times are %v and %v", a, b)
	}
}

func TestAttributesOfTheCommitDoNotChangeItsFiles(t *testing.T) {
	u := newUpstream(t)
	home := t.TempDir()
	t.Setenv("HOME", home)
	evil := "[filter \"evil\"]\n\tsmudge = touch " + filepath.Join(home, "smudged") + "\n\trequired = true\n[core]\n\tattributesFile = " + filepath.Join(home, "attributes") + "\n"
	for name, text := range map[string]string{".gitconfig": evil, "attributes": "* filter=evil\n"} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	files := []string{".gitattributes", "secret export-ignore\nversion export-subst\nbig filter=lfs\nid ident\n", "secret", "s", "version", "$Format:%H$", "big", "pointer", "id", "$Id$"}
	checkout := mustFetch(t, u.open(), u.commit("Start", files...))
	for i := 2; i < len(files); i += 2 {
		if got := content(t, checkout, files[i]); got != files[i+1] {
			t.Errorf("%s holds %q", files[i], got)
		}
	}
	if exists(filepath.Join(home, "smudged")) {
		t.Error("a filter of the user's configuration was run")
	}
}

func TestSubmodulesAreNotFollowed(t *testing.T) {
	victim := newUpstream(t)
	secret := victim.commit("Secret", "secret", "x")
	u := newUpstream(t)
	u.commit("Start", ".gitmodules", "[submodule \"a\"]\n\tpath = a\n\turl = file://"+victim.dir+"\n[submodule \"../../b\"]\n\tpath = b\n\turl = ext::sh -c 'touch x'\n\tupdate = !touch x\n")
	u.git("update-index", "--add", "--cacheinfo", "160000,"+string(secret)+",a")
	u.git("update-index", "--add", "--cacheinfo", "160000,"+string(secret)+",b")
	checkout := mustFetch(t, u.open(), u.commitIndex("Add submodules"))
	for _, name := range []string{"a", "b"} {
		entries, err := os.ReadDir(filepath.Join(checkout.Dir, name))
		if err != nil || len(entries) != 0 {
			t.Errorf("%s holds %v (%v)", name, entries, err)
		}
	}
}

// hostileTree commits a tree that no git command would make: one file, under any name.
func (u *upstream) hostileTree(mode, name string) deploy.Commit {
	u.t.Helper()
	blob := u.exec("x", "-C", u.dir, "hash-object", "-w", "--stdin")
	var raw bytes.Buffer
	fmt.Fprintf(&raw, "%s %s\x00", mode, name)
	for i := 0; i < len(blob); i += 2 {
		var b byte
		fmt.Sscanf(blob[i:i+2], "%02x", &b)
		raw.WriteByte(b)
	}
	tree := u.exec(raw.String(), "-C", u.dir, "hash-object", "-w", "-t", "tree", "--literally", "--stdin")
	return deploy.Commit(u.git("commit-tree", "-m", "hostile", tree))
}

func TestNamesThatLeadOutOfTheCheckoutAreRefused(t *testing.T) {
	for _, name := range []string{"../escaped", "a/../../../escaped", "..", ".git", ".GIT", "a/.git/config"} {
		u := newUpstream(t)
		u.commit("Start", "colour", "white")
		commit := u.hostileTree("100644", name)
		r := u.open()
		_, err := r.Fetch(testContext(t), commit, nil)
		if err == nil || exists(filepath.Join(r.releases(), "escaped")) || exists(filepath.Join(r.dir, "escaped")) || exists(r.releaseDir(commit)) {
			t.Errorf("%q was checked out (%v)", name, err)
		}
		if left, _ := filepath.Glob(filepath.Join(r.releases(), temporaryPrefix+"*")); len(left) > 0 {
			t.Errorf("%q: %v is left", name, left)
		}
	}
}

func TestExtractionNeverWritesThroughALinkToTheOutside(t *testing.T) {
	outside := t.TempDir()
	for name, entries := range map[string][]tar.Header{
		"link to a folder":    {{Typeflag: tar.TypeSymlink, Name: "a", Linkname: outside}, {Typeflag: tar.TypeReg, Name: "a/x", Mode: 0o644}},
		"relative link":       {{Typeflag: tar.TypeSymlink, Name: "a", Linkname: "../"}, {Typeflag: tar.TypeReg, Name: "a/x", Mode: 0o644}},
		"link to a file":      {{Typeflag: tar.TypeSymlink, Name: "a", Linkname: filepath.Join(outside, "x")}, {Typeflag: tar.TypeReg, Name: "a", Mode: 0o644}},
		"folder over link":    {{Typeflag: tar.TypeSymlink, Name: "a", Linkname: outside}, {Typeflag: tar.TypeDir, Name: "a/"}},
		"absolute name":       {{Typeflag: tar.TypeReg, Name: filepath.Join(outside, "x"), Mode: 0o644}},
		"a way up":            {{Typeflag: tar.TypeReg, Name: "../x", Mode: 0o644}},
		"a repository":        {{Typeflag: tar.TypeDir, Name: ".Git/"}},
		"hard link":           {{Typeflag: tar.TypeLink, Name: "a", Linkname: "/etc/passwd"}},
		"device":              {{Typeflag: tar.TypeChar, Name: "a"}},
		"the same file twice": {{Typeflag: tar.TypeReg, Name: "a", Mode: 0o644}, {Typeflag: tar.TypeReg, Name: "a", Mode: 0o644}},
	} {
		var archive bytes.Buffer
		w := tar.NewWriter(&archive)
		for _, entry := range entries {
			if err := w.WriteHeader(&entry); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		parent := t.TempDir()
		inside := filepath.Join(parent, "inside")
		if err := os.Mkdir(inside, 0o755); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(inside)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		x := extraction{root: root}
		if err := x.run(&archive); err == nil || exists(filepath.Join(outside, "x")) || exists(filepath.Join(parent, "x")) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

func TestNothingOfTheEnvironmentReachesGit(t *testing.T) {
	u := newUpstream(t)
	commit := u.commit("Start", "colour", "white")
	for name, value := range map[string]string{
		"GITHUB_SECRET": "hunter2", "GIT_DIR": "/nowhere", "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.hooksPath", "GIT_CONFIG_VALUE_0": "/evil",
		"GIT_SSH_COMMAND": "touch x", "GIT_EXEC_PATH": "/evil", "GIT_TRACE": "1", "LD_PRELOAD": "",
	} {
		t.Setenv(name, value)
	}
	record := filepath.Join(t.TempDir(), "environment")
	r := u.open()
	r.Git = script(t, "env > '"+record+"'; exec git \"$@\"")
	mustFetch(t, r, commit)
	seen, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"hunter2", "/nowhere", "/evil", "touch x", "GIT_TRACE", "HOME="} {
		if strings.Contains(string(seen), bad) {
			t.Errorf("git sees %q in\n%s", bad, seen)
		}
	}
	for _, want := range []string{"GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_NOSYSTEM=1", "GIT_ALLOW_PROTOCOL=file", "GIT_CONFIG_KEY_0=core.hooksPath", "GIT_CONFIG_VALUE_0=/dev/null"} {
		if !strings.Contains(string(seen), want+"\n") {
			t.Errorf("git does not see %q in\n%s", want, seen)
		}
	}
}

func TestAFileInThePlaceOfACheckoutIsNotTakenForOne(t *testing.T) {
	u := newUpstream(t)
	commit := u.commit("Start", "colour", "white")
	r := u.open()
	if err := os.MkdirAll(r.releases(), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.releaseDir(commit), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Fetch(testContext(t), commit, nil); err == nil || errorHint(err) == "" {
		t.Errorf("error is %v", err)
	}
}
