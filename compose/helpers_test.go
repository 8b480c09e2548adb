package compose

import (
	"context"
	"crypto/rand"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	dockerimage "github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// Images that scripts/images.sh pulls or makes.
var (
	debian = testkit.ImageName("BASE_IMAGE")
	redis  = testkit.ImageName("REDIS_IMAGE")
)

// commits to release in tests.
const (
	commitA = deploy.Commit("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	commitB = deploy.Commit("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")
)

// connected returns the machine's engine, which has the images of most tests.
func connected(t testing.TB) *Engine {
	t.Helper()
	testkit.Image(t, "BASE_IMAGE")
	testkit.Image(t, "REDIS_IMAGE")
	e, err := Connect(t.Context())
	testkit.Must(t, err)
	t.Cleanup(func() { e.Close() })
	return e
}

// site is one app of a test, with a checkout and a log of its own.
type site struct {
	*Runtime
	t   testing.TB
	dir string // the checkout

	mu    sync.Mutex
	lines []string
	steps []deploy.Step
}

// newSite makes an app with a unique name that is gone from Docker after the test. The file is blue's compose file.
func newSite(t testing.TB, e *Engine, file string) *site {
	t.Helper()
	app := "vt" + strings.ToLower(rand.Text()[:8])
	dir := t.TempDir()
	s := &site{t: t, dir: dir}
	reached := e
	if reached == nil {
		reached = offline(t)
	}
	s.Runtime = New(reached, Settings{
		App:         app,
		Dir:         dir,
		SharedFiles: []string{"shared.yml"},
		SliceFiles: map[deploy.Slice][]string{
			deploy.Blue: {"blue.yml"}, deploy.Green: {"green.yml"},
		},
		EnvFiles: []string{".env"},
		Web:      "web",
		Ports:    map[deploy.Slice]int{deploy.Blue: 6379, deploy.Green: 6380},
		Router:   "router",
	})
	s.write("blue.yml", file)
	if e != nil {
		t.Logf("its app is %s", app)
		t.Cleanup(func() { sweep(t, e, app) })
	}
	return s
}

// offline returns an engine for what needs none: it speaks the newest API to nobody.
func offline(t testing.TB) *Engine {
	t.Helper()
	c, err := client.NewClientWithOpts(client.WithHost("unix:///nonexistent"), client.WithVersion(api.DefaultVersion))
	testkit.Must(t, err)
	return &Engine{client: c, Timeout: time.Second}
}

func (s *site) write(name, content string) {
	s.t.Helper()
	testkit.Write(s.t, filepath.Join(s.dir, name), content)
}

func (s *site) release(c deploy.Commit) deploy.Release {
	return deploy.Release{App: s.settings.App, Commit: c, Dir: s.dir}
}

func (s *site) log(line string, about ...deploy.Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, line)
	s.steps = append(s.steps, about...)
}

// said returns what was logged since the last call.
func (s *site) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := strings.Join(s.lines, "\n")
	s.lines = nil
	return text
}

// accepted loads and checks blue.
func (s *site) accepted() *project {
	s.t.Helper()
	p, err := s.load(deploy.Blue)
	if err == nil {
		err = s.check(p)
	}
	testkit.Must(s.t, err)
	return p
}

// mapped returns the blueprint of one container of blue's service web, without an engine.
func (s *site) mapped(number int) *blueprint {
	s.t.Helper()
	p := s.accepted()
	b, err := p.blueprint(p.Services["web"], number)
	testkit.Must(s.t, err)
	return b
}

// up builds and starts blue, and removes what was replaced.
func (s *site) up(c deploy.Commit) deploy.SliceStatus {
	s.t.Helper()
	s.begin(c, 0)
	testkit.Must(s.t, s.Discard(s.t.Context(), deploy.Blue, s.log))
	return s.observe()
}

// begin builds and starts blue for a deployment; what is replaced is set aside.
func (s *site) begin(c deploy.Commit, deployment int64) {
	s.t.Helper()
	wanted := s.release(c)
	wanted.Deployment = deployment
	rel, err := s.Build(s.t.Context(), deploy.Blue, wanted, false, s.log)
	if err != nil {
		s.t.Fatalf("build: %v\n%s", err, s.said())
	}
	if err := s.Start(s.t.Context(), deploy.Blue, rel, s.log); err != nil {
		s.t.Fatalf("start: %v\n%s", err, s.said())
	}
}

func (s *site) observe() deploy.SliceStatus {
	s.t.Helper()
	status, err := s.Observe(s.t.Context(), deploy.Blue)
	if err != nil {
		s.t.Fatalf("observe: %v", err)
	}
	return status
}

// ids maps the names of blue's containers to their ids.
func (s *site) ids() map[string]string {
	s.t.Helper()
	list, err := s.engine.containersOf(s.t.Context(), s.settings.Project(deploy.Blue))
	testkit.Must(s.t, err)
	out := map[string]string{}
	for _, c := range list {
		out[strings.TrimPrefix(c.name, s.settings.Project(deploy.Blue)+"-")] = c.id
	}
	return out
}

// cleanupTime is enough for a clean-up on a busy machine.
const cleanupTime = 10 * testkit.Patience

// leftovers lists every container, network and volume of the app.
func leftovers(t testing.TB, e *Engine, app string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), cleanupTime)
	defer cancel()
	mine := filters.NewArgs(filters.Arg("label", labelApp+"="+app))
	var names []string
	containers, err := e.client.ContainerList(ctx, container.ListOptions{All: true, Filters: mine})
	testkit.Must(t, err)
	for _, c := range containers {
		names = append(names, "container "+c.ID)
	}
	networks, err := e.client.NetworkList(ctx, network.ListOptions{Filters: mine})
	testkit.Must(t, err)
	for _, n := range networks {
		names = append(names, "network "+n.ID)
	}
	volumes, err := e.client.VolumeList(ctx, volume.ListOptions{Filters: mine})
	testkit.Must(t, err)
	for _, v := range volumes.Volumes {
		names = append(names, "volume "+v.Name)
	}
	return names
}

// sweep removes all that the app left in Docker.
func sweep(t testing.TB, e *Engine, app string) {
	ctx, cancel := context.WithTimeout(context.Background(), cleanupTime)
	defer cancel()
	var held error
	for _, name := range leftovers(t, e, app) {
		kind, id, _ := strings.Cut(name, " ")
		switch kind {
		case "container":
			held = errors.Join(held, e.discard(ctx, id))
		case "network":
			held = errors.Join(held, e.removeNetwork(ctx, id))
		case "volume":
			held = errors.Join(held, e.removeVolume(ctx, id))
		}
	}
	testkit.Must(t, held)
	images, err := e.client.ImageList(ctx, dockerimage.ListOptions{All: false, Filters: filters.NewArgs(filters.Arg("label", labelApp+"="+app))})
	testkit.Must(t, err)
	for range 2 { // what another image is built on goes after it
		held = nil
		for _, i := range images {
			_, err := e.client.ImageRemove(ctx, i.ID, dockerimage.RemoveOptions{Force: true, PruneChildren: true})
			held = errors.Join(held, gone(err))
		}
		if held == nil {
			return
		}
	}
	testkit.Must(t, held)
}
