package compose

import (
	"archive/tar"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"verdigris/internal/testkit"
)

// files returns the files below /app in the image: type, mode, owner, name and the target of a link.
func files(t *testing.T, e *Engine, image string) string {
	t.Helper()
	c, err := e.client.ContainerCreate(t.Context(), &container.Config{Image: image, Cmd: []string{"none"}}, nil, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { testkit.Must(t, e.discard(context.Background(), c.ID)) })
	body, _, err := e.client.CopyFromContainer(t.Context(), c.ID, "/app")
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	var lines []string
	for r := tar.NewReader(body); ; {
		h, err := r.Next()
		if err == io.EOF {
			slices.Sort(lines)
			return strings.Join(lines, "\n")
		}
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%c %o %d:%d %s %s", h.Typeflag, h.Mode, h.Uid, h.Gid, h.Name, h.Linkname))
	}
}

const buildKitPeer = "buildkit"

// peers are the ways in which docker itself builds on this machine: the classic builder, and BuildKit where the buildx
// plugin is installed.
func peers() map[string]string {
	list := map[string]string{"classic": "DOCKER_BUILDKIT=0"}
	if exec.Command("docker", "buildx", "version").Run() == nil {
		list[buildKitPeer] = "DOCKER_BUILDKIT=1"
	}
	return list
}

// dockerBuild builds with docker's own command and returns the image's name.
func dockerBuild(t testing.TB, dir, variable, dockerfile string) string {
	t.Helper()
	tag := "vt-peer-" + strings.ToLower(rand.Text()[:8])
	cmd := exec.Command("docker", "build", "-q", "-t", tag, "-f", filepath.Join(dir, dockerfile), dir)
	cmd.Env = append(os.Environ(), variable)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("docker build: %v: %s", err, out)
	}
	t.Cleanup(func() { exec.Command("docker", "rmi", "-f", tag).Run() })
	return tag
}

func TestAnImageHasTheFilesThatDockerBuildPutsThere(t *testing.T) {
	t.Parallel()
	e := connected(t)
	tree := func(s *site) {
		for _, name := range []string{"Dockerfile", "README.md", "a.log", "keep.log", "dir/a.log", "dir/deep/b.log", "dir/deep/keep.log",
			"node_modules/x/index.js", "sub/node_modules/y", "src/main.go", "src/main_test.go", "src/vendor/keep/me", "src/vendor/drop", "#odd",
			"space name", "docs/a.md", "docs/b/c.md", "tmp/one", "tmp/two/three", ".git/config", ".hidden", "q1", "q22", "[x]", "other/Dockerfile.web"} {
			s.write("app/"+name, name)
		}
		testkit.Must(t, os.Symlink("src/main.go", s.dir+"/app/link"))
		testkit.Must(t, os.Symlink("/nowhere", s.dir+"/app/dangling"))
		testkit.Must(t, os.Mkdir(s.dir+"/app/empty", 0o700))
		testkit.Must(t, os.Chmod(s.dir+"/app/src/main.go", 0o751))
	}
	for name, ignore := range map[string]string{
		"no patterns": "",
		"many kinds": "# README.md\n\n  a.log  \n\\#odd\n" + // comments, blanks
			"/tmp/\n./docs/b/\nsub/../q1\n.*\n" + // slashes and dots
			"q?\n[[]x]\nspace name\n" +
			"**/deep/*.log\n!**/keep.log\n**/node_modules\n" +
			"keep.log\n!keep.log\ndir/a.log\n!dir/a.log\ndir/a.log\n", // the last one wins
		"inside of an ignored one": "src/vendor\n!src/vendor/keep\n",
		"all but some":             "*\n!src\n!docs/*.md\nsrc/*_test.go\n",
		"the Dockerfile itself":    "Dockerfile\n.dockerignore\n*.md\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, e, "services: {web: {build: app}}")
			tree(s)
			s.write("app/Dockerfile", "FROM scratch\nCOPY . /app\n")
			s.write("app/.dockerignore", ignore)
			same(t, s)
		})
	}
	t.Run("where docker's builders differ", func(t *testing.T) { // the classic builder looks into no folder that is ignored
		t.Parallel()
		s := newSite(t, e, "services: {web: {build: app}}")
		tree(s)
		s.write("app/Dockerfile", "FROM scratch\nCOPY . /app\n")
		s.write("app/.dockerignore", "*\n!docs/**/*.md\n")
		got := built(t, s)
		if strings.Count(got, ".md") != 2 || !strings.Contains(got, "app/docs/a.md") || !strings.Contains(got, "app/docs/b/c.md") {
			t.Errorf("files are\n%s", got)
		}
		likeBuildKit(t, s, got, "Dockerfile")
	})
	t.Run("the Dockerfile's own patterns", func(t *testing.T) {
		s := newSite(t, e, "services: {web: {build: {context: app, dockerfile: other/Dockerfile.web}}}")
		tree(s)
		s.write("app/other/Dockerfile.web", "FROM scratch\nCOPY . /app\n")
		s.write("app/.dockerignore", "src\n")
		s.write("app/other/Dockerfile.web.dockerignore", "**/*.log\nother\n")
		got := built(t, s)
		if strings.Contains(got, ".log") || !strings.Contains(got, "src/main.go") {
			t.Errorf("the build goes by other patterns:\n%s", got)
		}
		likeBuildKit(t, s, got, "other/Dockerfile.web")
	})
}

// built returns the files of the image that we build.
func built(t *testing.T, s *site) string {
	t.Helper()
	return files(t, s.engine, s.mustBuild()["web"])
}

// same compares our image with those of docker build.
func same(t *testing.T, s *site) {
	t.Helper()
	got := built(t, s)
	for peer, variable := range peers() {
		if want := files(t, s.engine, dockerBuild(t, s.dir+"/app", variable, "Dockerfile")); got != want {
			t.Errorf("docker's builder %s makes something else:\n%s\nwant\n%s", peer, diff(got, want), want)
		}
	}
}

// likeBuildKit compares the files of our image with those of docker build through BuildKit, where this machine has that:
// the classic builder goes by other patterns.
func likeBuildKit(t *testing.T, s *site, got, dockerfile string) {
	t.Helper()
	variable, ok := peers()[buildKitPeer]
	if !ok {
		return
	}
	if want := files(t, s.engine, dockerBuild(t, s.dir+"/app", variable, dockerfile)); got != want {
		t.Errorf("docker makes something else:\n%s\nwant\n%s", diff(got, want), want)
	}
}

// diff lists the lines that only one of the texts has.
func diff(got, want string) string {
	var out []string
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for _, line := range a {
		if !slices.Contains(b, line) {
			out = append(out, "+ "+line)
		}
	}
	for _, line := range b {
		if !slices.Contains(a, line) {
			out = append(out, "- "+line)
		}
	}
	return strings.Join(out, "\n")
}

func TestADockerfileThatIsNotInTheContextLeavesNothingInTheImage(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, `services: {web: {build: {context: app, dockerfile_inline: "FROM scratch\nCOPY . /app\n"}}}`)
	s.write("app/file", "")
	s.write("app/.dockerignore", "ignored\n")
	s.write("app/ignored", "")
	if got := built(t, s); strings.Contains(got, "ockerfile") || strings.Contains(got, "app/ignored") || !strings.Contains(got, "app/file") {
		t.Errorf("files are\n%s", got)
	}
}
