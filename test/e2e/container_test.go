package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// buildImage builds the image of the root Dockerfile, with the program that the other tests use in the place of its
// first stage, which would compile the same sources for minutes.
func buildImage(t *testing.T, tag string) {
	t.Helper()
	_, final, found := strings.Cut(testkit.Read(t, "../../Dockerfile"), "\nFROM ${BASE_IMAGE}\n")
	if !found || strings.Count(final, "COPY --from=build /verdigris ") != 1 {
		t.Fatal("the Dockerfile's last stage does not look as it did")
	}
	dir := t.TempDir()
	dockerfile := "ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\n" + strings.ReplaceAll(final, "COPY --from=build /verdigris ", "COPY verdigris ")
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(dockerfile), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "verdigris"), []byte(testkit.Read(t, built.verdigris)), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "docker", "build", "-q", "--force-rm", "-t", tag, "--build-arg", "BASE_IMAGE="+testkit.ImageName("BASE_IMAGE"), dir)
	cmd.Env = append(os.Environ(), "DOCKER_BUILDKIT=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the image: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("docker", "rmi", "-f", tag).CombinedOutput(); err != nil {
			t.Errorf("remove %s: %v\n%s", tag, err, out)
		}
	})
}

// inContainer writes a site that runs its verdigris as a container, as scripts/image.sh prepares it.
func inContainer(t *testing.T) *site {
	t.Helper()
	s := writeSite(t, func(s *site) {
		socket, err := os.Stat("/var/run/docker.sock")
		if err != nil {
			t.Fatal(err)
		}
		s.write(".env", testkit.Read(t, filepath.Join(s.dir, ".env"))+fmt.Sprintf("VERDIGRIS_TAG=%s\nVERDIGRIS_UID=%d\nDOCKER_GID=%d\n",
			s.app, os.Getuid(), socket.Sys().(*syscall.Stat_t).Gid))
		for _, slice := range []string{"blue", "green"} {
			s.replace("repo/docker-compose."+slice+".yml", "\nnetworks:", `
  reader:
    image: ${REDIS_IMAGE}
    command: [sleep, infinity]
    init: true
    volumes: ["./content:/content:ro"]

networks:`)
		}
		s.write("repo/content/motto.txt", "first")
		s.commit("mount a folder of the release")
	})
	t.Cleanup(s.remove)
	buildImage(t, "verdigris:"+s.app)
	s.compose("up", "-d", "verdigris")
	s.connect()
	return s
}

// compose runs docker-compose on the shared file, as the file's own comment says.
func (s *site) compose(args ...string) string {
	s.t.Helper()
	args = append([]string{"-p", s.app + "-shared", "-f", "docker-compose.shared.yml", "--profile", "verdigris"}, args...)
	cmd := exec.CommandContext(s.t.Context(), "docker-compose", args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "PWD="+s.dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("docker-compose %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// inside runs verdigris in its container.
func (s *site) inside(args ...string) string {
	s.t.Helper()
	return s.compose(append([]string{"exec", "-T", "verdigris", "verdigris"}, args...)...)
}

// motto reads the file that a slice's container mounts from the release.
func (s *site) motto(slice deploy.Slice) string {
	s.t.Helper()
	return testkit.Docker(s.t, "exec", fmt.Sprintf("%s-%s-reader-1", s.app, slice), "cat", "/content/motto.txt")
}

func TestVerdigrisInAContainerDeploysWithBindMountsOfTheReleaseAndRollsBack(t *testing.T) {
	t.Parallel()
	s := inContainer(t)
	s.inside("up")
	s.inside("deploy", "blue", "--switch")
	s.serves(deploy.Blue)
	s.upload("in a container")

	s.write("repo/content/motto.txt", "second")
	s.want(s.push(s.commit("another motto")), deploy.StateSucceeded)
	s.serves(deploy.Green)
	if blue, green := s.motto(deploy.Blue), s.motto(deploy.Green); blue != "first" || green != "second" {
		t.Errorf("blue reads %q and green %q from their releases", blue, green)
	}
	if pictures := s.images(deploy.Green); len(pictures) != 1 {
		t.Errorf("green has %d pictures, want 1", len(pictures))
	}

	// A container that is replaced finds everything where it was.
	s.compose("up", "-d", "--force-recreate", "verdigris")
	s.connect()
	s.inside("rollback")
	s.serves(deploy.Blue)
	s.inside("doctor")
}
