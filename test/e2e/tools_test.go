package e2e

import (
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// shared is the container of a shared service.
func (s *site) shared(service string) string { return s.app + "-shared-" + service + "-1" }

// web is the container of a slice's web service.
func (s *site) web(slice deploy.Slice) string { return s.app + "-" + string(slice) + "-web-1" }

// containers lists the ids of a slice's containers, stopped ones too.
func (s *site) containers(slice deploy.Slice) string {
	s.t.Helper()
	return testkit.Docker(s.t, "ps", "-aq", "--filter", "label=com.docker.compose.project="+s.app+"-"+string(slice))
}

func (s *site) write(name, content string) {
	s.t.Helper()
	testkit.Write(s.t, filepath.Join(s.dir, name), content)
}

func (s *site) replace(name, old, new string) {
	s.t.Helper()
	content := testkit.Read(s.t, filepath.Join(s.dir, name))
	if !strings.Contains(content, old) {
		s.t.Fatalf("%s does not contain %q", name, old)
	}
	s.write(name, strings.ReplaceAll(content, old, new))
}

func (s *site) copyProgram(from, to string) {
	s.t.Helper()
	s.write(to, testkit.Read(s.t, from))
	testkit.Must(s.t, os.Chmod(filepath.Join(s.dir, to), 0o755))
}

func (s *site) git(args ...string) string {
	s.t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=Someone", "-c", "user.email=someone@example.org"}, args...)...)
	cmd.Dir = s.repo
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit commits whatever is in the repository's folder and returns the id, which no other commit has: the same message
// in the same second would make the same commit of another test, which is live no more.
func (s *site) commit(message string) string {
	s.t.Helper()
	s.git("add", "-A")
	s.git("commit", "-q", "--allow-empty", "-m", message, "-m", rand.Text())
	return s.git("rev-parse", "HEAD")
}
