package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"verdigris/deploy"
)

// write puts files into a new folder and returns it.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "vd") // t.TempDir is too long for a unix socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func load(t *testing.T, text string) *Config {
	t.Helper()
	c, err := Load(filepath.Join(write(t, map[string]string{FileName: text}), FileName))
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	return c
}

const small = `
apps:
  shop:
    repository: {url: https://example.com/shop.git}
    web: {port: 8080}
`

func TestASmallConfigurationIsFilledWithDefaults(t *testing.T) {
	c := load(t, small)
	app, err := c.App("")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "default app", c.DefaultApp, "shop")
	equal(t, "listen", c.Server.Listen, "127.0.0.1:9000")
	equal(t, "socket", string(c.Server.Socket), filepath.Join(c.Dir, ".verdigris/verdigris.sock"))
	equal(t, "max body", c.Server.MaxBody, Size(25<<20))
	equal(t, "shared file", string(app.Compose.Shared[0]), filepath.Join(c.Dir, "docker-compose.shared.yml"))
	equal(t, "edge", app.Router.Edge.URL, "http://127.0.0.1:8080")
	equal(t, "port of green", app.Web.PortOf(deploy.Green), 8080)
	equal(t, "slices", len(app.Slices()), 2)
	equal(t, "journal", c.Journal(), filepath.Join(c.Dir, ".verdigris/journal.db"))
	equal(t, "sockets", c.AppState("shop").Run(), filepath.Join(c.Dir, ".verdigris/apps/shop/run"))
}

func TestTheDomainGetsWhatTheFileSays(t *testing.T) {
	c := load(t, small+`
    promote: manual
    migrate: migrate
    health: {path: /up, successes: 4}
    smoke: [{path: /login, contains: Sign in}]
    watch: {duration: 0s}
    timeouts: {build: 1h}
`)
	app := c.Apps["shop"].Domain()
	equal(t, "name", app.Name, "shop")
	equal(t, "promote", app.Promote, deploy.PromoteManual)
	equal(t, "migrate", app.Migrate, "migrate")
	equal(t, "health", app.Health, deploy.Health{Path: "/up", Status: 200, Timeout: 2 * time.Second,
		Interval: 200 * time.Millisecond, Successes: 4, Deadline: time.Minute})
	equal(t, "smoke name", app.Smoke[0].Name, "GET /login")
	equal(t, "smoke body", app.Smoke[0].Contains, "Sign in")
	equal(t, "watch", app.Watch.Duration, 0)
	equal(t, "hold", app.HoldTimeout, 5*time.Second)
	equal(t, "build", app.Timeouts.Build, time.Hour)
	equal(t, "start", app.Timeouts.Start, 5*time.Minute)
}

func TestTheFirstAppIsTheDefaultOne(t *testing.T) {
	c := load(t, `
apps:
  zebra: {repository: {url: .}, web: {port: 80}}
  ape: {repository: {url: .}, web: {port: 80}, router: {edge: {listen: [8081]}}}
`)
	equal(t, "default app", c.DefaultApp, "zebra")
	_, err := c.App("zebr")
	if !errors.Is(err, deploy.ErrUnknownApp) || !strings.Contains(err.Error(), `did you mean "zebra"`) {
		t.Errorf("unknown app: %v", err)
	}
}

func TestAppsComeFromAFolderToo(t *testing.T) {
	other := strings.NewReplacer("shop", "blog", "web: {port: 8080}", "web: {port: 80}\n    router: {edge: {listen: [8081]}}").Replace(small)
	dir := write(t, map[string]string{
		"etc/verdigris.yml":         "server: {listen: '127.0.0.1:9100'}\n" + small,
		"etc/verdigris.d/blog.yml":  other,
		"etc/verdigris.d/notes.txt": "not yaml: [",
	})
	c, err := Load(filepath.Join(dir, "etc", FileName))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "apps", strings.Join(c.Names(), " "), "blog shop")
	equal(t, "default", c.DefaultApp, "shop")
	equal(t, "listen", c.Server.Listen, "127.0.0.1:9100")
	equal(t, "blog's shared file", string(c.Apps["blog"].Compose.Shared[0]), filepath.Join(dir, "etc/verdigris.d/docker-compose.shared.yml"))

	c, err = Load(filepath.Join(dir, "etc/verdigris.d"))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "apps of the folder", strings.Join(c.Names(), " "), "blog")
}

func TestTwoFilesMustNotSetTheSame(t *testing.T) {
	dir := write(t, map[string]string{
		FileName:            "state_dir: a\n" + small,
		"verdigris.d/b.yml": "state_dir: b\n" + small,
	})
	_, err := Load(filepath.Join(dir, FileName))
	for _, want := range []string{"b.yml:1: state_dir is set twice", "b.yml:4: apps.shop is there twice"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q in: %v", want, err)
		}
	}
}

func TestAnchorsAndMergeKeysWork(t *testing.T) {
	c := load(t, `
apps:
  shop: &base
    repository: {url: .}
    web: &web {service: front, port: 8080}
  blog:
    <<: *base
    web: {<<: *web, port: 9090}
    router: {edge: {listen: [8081]}}
`)
	equal(t, "service", c.Apps["blog"].Web.Service, "front")
	equal(t, "port", c.Apps["blog"].Web.Port, 9090)
	equal(t, "url", c.Apps["blog"].Repository.URL, c.Dir)
}

func TestAMissingFileIsInputErrorWithANextStep(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), FileName))
	var in *deploy.InputError
	var hint *deploy.HintedError
	if !errors.As(err, &in) || !errors.As(err, &hint) || !strings.Contains(hint.Next, "verdigris init") {
		t.Errorf("got %v", err)
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestAChangedConfigurationIsValidatedAgain(t *testing.T) {
	c := load(t, small)
	if err := c.Validate(); err != nil {
		t.Fatalf("before the change: %v", err)
	}
	c.Apps["shop"].Web.Port = 0
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "verdigris.yml:5: apps.shop.web.port is missing") {
		t.Errorf("got %v", err)
	}
}

func TestMirroringAndFencingCanBeSwitchedOff(t *testing.T) {
	const data = small + "    data: {keys: [images], %s blue: {service: a}, green: {service: b}}\n"
	for _, c := range []struct {
		set                string
		mirroring, fencing bool
	}{
		{"", true, true},
		{"mirroring: false,", false, true},
		{"fencing: off,", true, false},
		{"mirroring: off, fencing: false,", false, false},
	} {
		app := load(t, fmt.Sprintf(data, c.set)).Apps["shop"]
		equal(t, "mirroring with "+c.set, app.Domain().Mirroring, c.mirroring)
		equal(t, "fencing with "+c.set, app.Data.Fencing, c.fencing)
	}
	equal(t, "mirroring without data", load(t, small).Apps["shop"].Domain().Mirroring, false)
}
