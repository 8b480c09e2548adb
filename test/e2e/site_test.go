package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"verdigris/internal/testkit"
)

// site is one app under a verdigris of its own.
type site struct {
	t        testing.TB // the test that has it now
	app      string
	dir      string // verdigris.yml, the shared compose file, the state
	repo     string // the app's git repository
	secret   string
	ports    map[string]string // edge, api, blue, green, staging, redis-blue, redis-green
	env      []string          // what its verdigris and its commands find in the environment besides ours
	api      *http.Client      // over the unix socket
	serve    *exec.Cmd
	runs     string // the settings that serve has read
	whenGood string // the picture of a site of the pool when it was new
	log      *testkit.Buffer
	logged   int      // how much of the log is of earlier tests
	cleanups []func() // of what it keeps until it is removed
}

// keeper lets what testkit gives to a site last as long as the site, which may be longer than one test.
type keeper struct {
	testing.TB
	s *site
}

func (k keeper) Cleanup(f func()) { k.s.cleanups = append(k.s.cleanups, f) }

// newSite writes a site, starts its shared services and its verdigris. Edits change its files before that. It is removed
// when the test has ended.
func newSite(t testing.TB, edits ...func(*site)) *site {
	t.Helper()
	s := writeSite(t, edits...)
	t.Cleanup(s.remove)
	s.must("up")
	s.start()
	return s
}

// writeSite writes a site, and starts nothing. Whoever calls it removes it.
func writeSite(t testing.TB, edits ...func(*site)) *site {
	t.Helper()
	s := emptySite(t)
	for _, name := range []string{"edge", "api", "blue", "green", "staging", "redis-blue", "redis-green"} {
		s.ports[name] = s.freePort()
	}
	s.repo = filepath.Join(s.dir, "repo")
	s.writeFiles()
	for _, edit := range edits {
		edit(s)
	}
	return s
}

// emptySite is a name and a folder.
func emptySite(t testing.TB) *site {
	t.Helper()
	name := strings.ToLower(rand.Text()[:8])
	s := &site{t: t, app: "e2e" + name, secret: name, ports: map[string]string{}, log: &testkit.Buffer{}}
	s.dir = testkit.ShortDir(keeper{t, s})
	return s
}

// freePort is a port of loopback that is the site's own.
func (s *site) freePort() string { return strconv.Itoa(testkit.FreePort(keeper{s.t, s})) }

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
	s.write("docker-compose.shared.yml", s.sharedFile())
	for _, slice := range []string{"blue", "green", "staging"} {
		name := "docker-compose." + slice + ".yml"
		s.write("repo/"+name, s.names().Replace(testkit.Read(s.t, "../../"+name)))
	}
	s.write("repo/app/Dockerfile", "FROM scratch\nCOPY gallery /gallery\nENTRYPOINT [\"/gallery\"]\n")
	s.copyProgram(built.gallery, "repo/app/gallery")
	s.write(".env", imagesEnv())
	s.write("secret", s.secret)
	testkit.Must(s.t, os.Chmod(filepath.Join(s.dir, "secret"), 0o600))
	s.write("verdigris.yml", s.config())
	s.git("init", "-q", "-b", "main")
	s.commit("the first version")
}

func (s *site) sharedFile() string {
	return s.names().Replace(testkit.Read(s.t, "../../docker-compose.shared.yml"))
}

func imagesEnv() string {
	return "NGINX_IMAGE=" + testkit.ImageName("NGINX_IMAGE") + "\nREDIS_IMAGE=" + testkit.ImageName("REDIS_IMAGE") + "\n"
}

// config is the site's verdigris.yml. Its limits are wide, since a busy machine is not what these tests are about.
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
      keys: [images, "images:*"]
      blue: {service: redis-blue, port: 6379}
      green: {service: redis-green, port: 6380}
    webhook: {github: {secrets: [{file: secret}], branches: [main], ignore_paths: ["docs/**"]}}
    health: {interval: 50ms, successes: 2, timeout: 1s, deadline: 60s}
    cutover: {hold_timeout: 60s}
    watch: {duration: 100ms, interval: 50ms}
`
}

// setting is an edit of verdigris.yml.
func setting(old, new string) func(*site) {
	return func(s *site) { s.replace("verdigris.yml", old, new) }
}

// deadline bounds how long a slice may take to answer as it should.
func deadline(d string) func(*site) { return setting("deadline: 60s", "deadline: "+d) }

// watch says how long, how often and with what patience a slice is watched that took the traffic.
func watch(fields string) func(*site) {
	return setting("watch: {duration: 100ms, interval: 50ms}", "watch: {"+fields+"}")
}

// start runs verdigris serve and waits until it is ready.
func (s *site) start() {
	s.t.Helper()
	s.launch()
	s.connect()
}

// launch runs verdigris serve.
func (s *site) launch() {
	s.t.Helper()
	s.runs = s.settings()
	s.serve = exec.Command(built.verdigris, "serve", "--config", filepath.Join(s.dir, "verdigris.yml"))
	s.serve.Dir = s.dir
	s.serve.Env = append(os.Environ(), s.env...)
	s.serve.Stdout, s.serve.Stderr = s.log, s.log
	testkit.Must(s.t, s.serve.Start())
}

// settings are what serve reads at its start.
func (s *site) settings() string {
	return testkit.Read(s.t, filepath.Join(s.dir, "verdigris.yml")) + strings.Join(s.env, "\n")
}

// restart stops verdigris, makes the edits and starts it again.
func (s *site) restart(edits ...func(*site)) {
	s.t.Helper()
	s.stop(syscall.SIGTERM)
	for _, edit := range edits {
		edit(s)
	}
	s.start()
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
	testkit.Within(s.t, time.Minute, "verdigris is ready", func() error {
		status, body := s.try(http.MethodGet, "/ready", "")
		if status != http.StatusOK {
			return fmt.Errorf("status %d: %s\n%s", status, body, s.log)
		}
		return nil
	})
}

// command runs verdigris with the site's configuration and returns what it printed and its exit code.
func (s *site) command(args ...string) (string, int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, built.verdigris, append(args, "--config", filepath.Join(s.dir, "verdigris.yml"))...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), s.env...)
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
