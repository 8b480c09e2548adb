package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"verdigris/test/output"
)

// site is one app under a verdigris of its own.
type site struct {
	t      testing.TB
	app    string
	dir    string // verdigris.yml, the shared compose file, the state
	repo   string // the app's git repository
	secret string
	ports  map[string]string // edge, api, blue, green, staging, redis-blue, redis-green
	api    *http.Client      // over the unix socket
	serve  *exec.Cmd
	log    *output.Buffer
}

// newSite writes a site, starts its shared services and its verdigris. Edits change its files before that.
func newSite(t testing.TB, edits ...func(*site)) *site {
	t.Helper()
	s := writeSite(t, edits...)
	s.must("up")
	s.start()
	return s
}

// writeSite writes a site, and starts nothing.
func writeSite(t testing.TB, edits ...func(*site)) *site {
	t.Helper()
	random := make([]byte, 4)
	_, _ = rand.Read(random) // never fails
	s := &site{t: t, app: "e2e" + hex.EncodeToString(random), dir: shortDir(t), secret: hex.EncodeToString(random), ports: map[string]string{}, log: &output.Buffer{}}
	for _, name := range []string{"edge", "api", "blue", "green", "staging", "redis-blue", "redis-green"} {
		s.ports[name] = freePort(t)
	}
	s.repo = filepath.Join(s.dir, "repo")
	s.writeFiles()
	for _, edit := range edits {
		edit(s)
	}
	t.Cleanup(s.remove)
	return s
}

// shortDir is a temporary directory with a short path, as the path of a unix socket has to be.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "vg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// names turns the repository's own compose files into this site's.
func (s *site) names() *strings.Replacer {
	return strings.NewReplacer(
		`"8080:8080"`, `"127.0.0.1:`+s.ports["edge"]+`:8080"`,
		`"127.0.0.1:9090:9090"`, `"127.0.0.1:`+s.ports["blue"]+`:9090"`,
		`"127.0.0.1:5060:5060"`, `"127.0.0.1:`+s.ports["green"]+`:5060"`,
		`"127.0.0.1:7070:7070"`, `"127.0.0.1:`+s.ports["staging"]+`:7070"`,
		`"127.0.0.1:6379:6379"`, `"127.0.0.1:`+s.ports["redis-blue"]+`:6379"`,
		`"127.0.0.1:6380:6380"`, `"127.0.0.1:`+s.ports["redis-green"]+`:6380"`,
		"examples/gallery", "app",
		"gallery", s.app,
	)
}

func (s *site) writeFiles() {
	root := "../.."
	s.write("docker-compose.shared.yml", s.names().Replace(read(s.t, filepath.Join(root, "docker-compose.shared.yml"))))
	for _, slice := range []string{"blue", "green", "staging"} {
		name := "docker-compose." + slice + ".yml"
		s.write("repo/"+name, s.names().Replace(read(s.t, filepath.Join(root, name))))
	}
	s.write("repo/app/Dockerfile", "FROM scratch\nCOPY gallery /gallery\nENTRYPOINT [\"/gallery\"]\n")
	s.copyProgram(built.gallery, "repo/app/gallery")
	s.write(".env", "NGINX_IMAGE="+imageOf("NGINX_IMAGE")+"\nREDIS_IMAGE="+imageOf("REDIS_IMAGE")+"\n")
	s.write("secret", s.secret)
	if err := os.Chmod(filepath.Join(s.dir, "secret"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.write("verdigris.yml", s.config())
	s.git("init", "-q", "-b", "main")
	s.commit("the first version")
}

func (s *site) config() string {
	return `server: {listen: "127.0.0.1:` + s.ports["api"] + `"}
apps:
  ` + s.app + `:
    repository: {url: repo, branch: main}
    compose:
      shared: [docker-compose.shared.yml]
      slices: {blue: [docker-compose.blue.yml], green: [docker-compose.green.yml], staging: [docker-compose.staging.yml]}
      env_files: [.env]
    web: {service: web, ports: {blue: 9090, green: 5060, staging: 7070}}
    router: {edge: {listen: [8080], url: "http://127.0.0.1:` + s.ports["edge"] + `"}}
    data:
      keys: [images]
      blue: {service: redis-blue, port: 6379}
      green: {service: redis-green, port: 6380}
    webhook: {github: {secrets: [{file: secret}], branches: [main], ignore_paths: ["docs/**"]}}
    health: {interval: 100ms, successes: 2, timeout: 1s, deadline: 15s}
    watch: {duration: 1s, interval: 100ms}
`
}

// start runs verdigris serve and waits until it is ready.
func (s *site) start() {
	s.t.Helper()
	s.log = &output.Buffer{}
	s.serve = exec.Command(built.verdigris, "serve", "--config", filepath.Join(s.dir, "verdigris.yml"))
	s.serve.Dir = s.dir
	s.serve.Stdout, s.serve.Stderr = s.log, s.log
	if err := s.serve.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.connect()
}

// connect waits until the site's verdigris is ready, wherever it runs.
func (s *site) connect() {
	s.t.Helper()
	socket := filepath.Join(s.dir, ".verdigris", "verdigris.sock")
	s.api = &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}
	s.eventually(30*time.Second, "verdigris is ready", func() error {
		status, body := s.try(http.MethodGet, "/ready", "")
		if status != http.StatusOK {
			return fmt.Errorf("status %d: %s\n%s", status, body, s.log)
		}
		return nil
	})
}

// stop ends verdigris with a signal and waits for its end.
func (s *site) stop(signal syscall.Signal) {
	s.t.Helper()
	if s.serve == nil {
		return
	}
	_ = s.serve.Process.Signal(signal) // it may have ended by itself
	done := make(chan error, 1)
	go func() { done <- s.serve.Wait() }()
	select {
	case <-done:
	case <-time.After(70 * time.Second):
		_ = s.serve.Process.Kill()
		s.t.Errorf("verdigris did not stop within 70 s:\n%s", s.log)
	}
	s.serve = nil
}

// remove takes everything of the site out of Docker.
func (s *site) remove() {
	s.stop(syscall.SIGTERM)
	if s.t.Failed() {
		for line := range strings.Lines(s.log.String()) {
			if !strings.Contains(line, "msg=request") || !strings.Contains(line, "method=GET") {
				s.t.Log(strings.TrimSpace(line))
			}
		}
	}
	for _, project := range []string{"blue", "green", "staging", "shared"} {
		label := "label=com.docker.compose.project=" + s.app + "-" + project
		for _, kind := range [][]string{{"ps", "-aq"}, {"network", "ls", "-q"}, {"volume", "ls", "-q"}} {
			s.removeAll(append(kind, "--filter", label), map[string][]string{"ps": {"rm", "-fv"}, "network": {"network", "rm"}, "volume": {"volume", "rm", "-f"}}[kind[0]])
		}
	}
	s.removeAll([]string{"images", "-q", "--filter", "label=verdigris.app=" + s.app}, []string{"rmi", "-f"})
	// By name: what another program has built, from the same files, is one image for all sites.
	s.removeAll([]string{"images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", "reference=" + s.app}, []string{"rmi", "-f"})
}

func (s *site) removeAll(list, remove []string) {
	out, err := exec.Command("docker", list...).Output()
	if err != nil {
		s.t.Errorf("docker %s: %v", strings.Join(list, " "), err)
		return
	}
	for _, id := range strings.Fields(string(out)) {
		if out, err := exec.Command("docker", append(remove, id)...).CombinedOutput(); err != nil {
			s.t.Logf("docker %s %s: %s", strings.Join(remove, " "), id, out)
		}
	}
}

// command runs verdigris with the site's configuration and returns what it printed and its exit code.
func (s *site) command(args ...string) (string, int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, built.verdigris, append(args, "--config", filepath.Join(s.dir, "verdigris.yml"))...)
	cmd.Dir = s.dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return out.String(), exit.ExitCode()
	} else if err != nil {
		s.t.Fatalf("verdigris %s: %v\n%s", strings.Join(args, " "), err, out.String())
	}
	return out.String(), 0
}

func (s *site) must(args ...string) string {
	s.t.Helper()
	out, code := s.command(args...)
	if code != 0 {
		s.t.Fatalf("verdigris %s: exit code %d\n%s", strings.Join(args, " "), code, out)
	}
	return out
}
