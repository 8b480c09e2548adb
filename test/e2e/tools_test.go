package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// imageOf returns the image that .env names for a variable, or the stand-in's name.
func imageOf(variable string) string {
	if v := os.Getenv(variable); v != "" {
		return v
	}
	content, _ := os.ReadFile("../../.env") // without it, the stand-ins
	for line := range strings.Lines(string(content)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), variable+"="); ok {
			return value
		}
	}
	return map[string]string{"NGINX_IMAGE": "verdigris-local/nginx", "REDIS_IMAGE": "verdigris-local/redis", "BASE_IMAGE": "verdigris-local/debian"}[variable]
}

// freePort returns a port of loopback that nobody listens on now.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func read(t testing.TB, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func (s *site) write(name, content string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) replace(name, old, new string) {
	s.t.Helper()
	content := read(s.t, filepath.Join(s.dir, name))
	if !strings.Contains(content, old) {
		s.t.Fatalf("%s does not contain %q", name, old)
	}
	s.write(name, strings.ReplaceAll(content, old, new))
}

func (s *site) copyProgram(from, to string) {
	s.t.Helper()
	s.write(to, read(s.t, from))
	if err := os.Chmod(filepath.Join(s.dir, to), 0o755); err != nil {
		s.t.Fatal(err)
	}
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

// commit commits whatever is in the repository's folder and returns the id.
func (s *site) commit(message string) string {
	s.t.Helper()
	s.git("add", "-A")
	s.git("commit", "-q", "--allow-empty", "-m", message)
	return s.git("rev-parse", "HEAD")
}

func docker(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.Command("docker", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// eventually waits until the condition holds, and fails with its last error at the deadline.
func (s *site) eventually(within time.Duration, what string, condition func() error) {
	s.t.Helper()
	deadline := time.Now().Add(within)
	for {
		err := condition()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: not within %s: %v", what, within, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
