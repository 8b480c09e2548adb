package compose

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// plugin is the container in which the compose plugin runs for all tests, as the newest Debian packages it.
var plugin pluginContainer

type pluginContainer struct {
	once sync.Once
	id   string
}

// in returns the container's id. It sees the temporary directories of the tests.
func (p *pluginContainer) in(t testing.TB) string {
	t.Helper()
	image := testkit.Image(t, "COMPOSE_IMAGE")
	p.once.Do(func() {
		p.id = testkit.Docker(t, "run", "--detach", "--rm", "--init", "--network", "none", "--volume", dockerSocket+":"+dockerSocket,
			"--volume", os.TempDir()+":"+os.TempDir()+":ro", image, "sleep", "1800")
	})
	if p.id == "" {
		t.Fatal("the container of the compose plugin did not start")
	}
	return p.id
}

func (p *pluginContainer) end() {
	if p.id != "" {
		exec.Command("docker", "rm", "--force", p.id).Run()
	}
}

// composeClient is one way in which people call Docker Compose on a project.
type composeClient struct {
	name string
	// command returns the command line up to the subcommand.
	command func(project, file string) []string
}

// composeClients are the installed docker-compose (1.29 on Debian 12), and the plugin in a container on the same engine:
// with the project's file, and with no more than its name.
func (s *site) composeClients() []composeClient {
	plugin := func(words ...string) []string {
		return append([]string{"docker", "exec", "--env-file", s.dir + "/.env", plugin.in(s.t), "docker", "compose"}, words...)
	}
	return []composeClient{
		{"docker-compose with the file", func(project, file string) []string {
			return []string{"docker-compose", "-p", project, "-f", file}
		}},
		{withTheFile, func(project, file string) []string { return plugin("-p", project, "-f", file) }},
		{"docker compose with the name", func(project, _ string) []string { return plugin("-p", project) }},
	}
}

const withTheFile = "docker compose with the file"

// composed is a project that was started here, as a client of Docker Compose sees it.
type composed struct {
	*site
	t       *testing.T
	client  composeClient
	project string
	file    string
}

// run runs a subcommand and returns what it prints.
func (c composed) run(args ...string) string {
	c.t.Helper()
	out, err := c.try(args...)
	testkit.Must(c.t, err)
	return out
}

func (c composed) try(args ...string) (string, error) {
	argv := append(c.client.command(c.project, c.file), args...)
	out, err := exec.CommandContext(c.t.Context(), argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, out)
	}
	return string(out), err
}

// up brings the project up. Engine 28 may choose a range for a network that it then finds taken, when others come and go at
// the same time: what Docker Compose takes for the end is tried again.
func (c composed) up() string {
	c.t.Helper()
	for range picks {
		out, err := c.try("up", "--detach")
		if err == nil {
			return out
		}
		if !rangeTaken.MatchString(err.Error()) {
			c.t.Fatal(err)
		}
	}
	c.t.Fatal("the Engine has no range")
	return ""
}

// containers maps the project's services to what read says of their containers.
func (c composed) containers(read func(found) string) map[string]string {
	c.t.Helper()
	list, err := c.engine.containersOf(c.t.Context(), c.project)
	if err != nil {
		c.t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range list {
		out[f.service] = read(f)
	}
	return out
}

func (c composed) ids() map[string]string { return c.containers(func(f found) string { return f.id }) }

func (c composed) states() map[string]string {
	return c.containers(func(f found) string { return f.state })
}

func (c composed) wantStates(after string, want map[string]string) {
	c.t.Helper()
	if got := c.states(); !maps.Equal(got, want) {
		c.t.Errorf("after %s the containers of %s are %v, want %v", after, c.project, got, want)
	}
}

func (c composed) says(what, output string, texts ...string) {
	c.t.Helper()
	for _, text := range texts {
		if !strings.Contains(output, text) {
			c.t.Errorf("%s of %s does not show %q:\n%s", what, c.project, text, output)
		}
	}
}

func TestDockerComposeListsStopsStartsAndRemovesWhatWasStartedHere(t *testing.T) {
	t.Parallel()
	e := connected(t)
	for i, client := range newSite(t, nil, shop).composeClients() {
		t.Run(client.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, e, shop)
			s.write(".env", "GREETING=the router speaks\n")
			s.write("shared.yml", `services: {router: {image: "`+debian+`", init: true, command: [sh, -c, 'echo "$GREETING"; sleep 300']}}`)
			testkit.Must(t, s.UpShared(t.Context(), s.log))
			s.up(commitA)
			client := s.composeClients()[i]

			slice := composed{s, t, client, s.settings.Project(deploy.Blue), s.dir + "/blue.yml"}
			slice.says("logs", slice.run("logs", "--no-color", "setup"), "slice blue release "+string(commitA))
			if client.name == withTheFile {
				slice.says("ls", slice.run("ls", "--all"), slice.project, "exited(1), running(2)", slice.file)
			}
			slice.stopsStartsAndGoes()

			shared := composed{s, t, client, s.settings.SharedProject(), s.dir + "/shared.yml"}
			shared.says("logs", shared.run("logs", "--no-color"), "the router speaks")
			shared.stopsStartsAndGoes()

			if got := leftovers(t, e, s.settings.App); !slices.Equal(got, []string{"volume " + slice.project + "_data"}) {
				t.Errorf("docker-compose down left %q", got)
			}
		})
	}
}

// stopsStartsAndGoes has the client list, stop, start and remove the project.
func (c composed) stopsStartsAndGoes() {
	c.t.Helper()
	ids, states := c.ids(), c.states()
	stopped := map[string]string{}
	for service := range states {
		stopped[service] = "exited"
		// Without --all Compose 2 leaves out a job that has ended.
		c.says("ps", c.run("ps", "--all"), c.project+"-"+service+"-1")
	}
	c.run("stop", "--timeout", "3")
	c.wantStates("stop", stopped)
	c.run("start")
	testkit.Eventually(c.t, "all is as it was before the stop", func() bool { return maps.Equal(c.states(), states) })
	if got := c.ids(); !maps.Equal(got, ids) {
		c.t.Errorf("start made other containers of %s: %v became %v", c.project, ids, got)
	}
	c.run("down", "--timeout", "3")
	c.wantStates("down", map[string]string{})
}

// Docker Compose recreates a container whose config-hash is not its own sum of the service. Of bind mounts in the short form
// Compose 2 keeps what newer ones leave out, and recreates those: there is none here.
func TestDockerComposeUpLeavesAloneWhatWasStartedHere(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, `
services:
  web:
    image: `+redis+`
    command: [redis-server, --save, ""]
    environment: {COLOUR: blue, FROM_ENV: "${WORD}"}
    env_file: [.env]
    labels: {a.label: its value}
    ports: ["127.0.0.1::6379"]
    expose: ["6379"]
    networks: [default, back]
    healthcheck: {test: [CMD, redis-cli, ping], interval: 1s, retries: 20}
    restart: unless-stopped
    deploy: {resources: {limits: {memory: 100M}}}
    logging: {driver: json-file, options: {max-size: 1m}}
    ulimits: {nofile: 1000}
    stop_grace_period: 3s
    tmpfs: [/scratch]
    volumes: ["data:/data"]
networks: {back: }
volumes: {data: }
`)
	s.write(".env", "WORD=hello\n")
	s.up(commitA)
	plugin := composed{s, t, s.composeClients()[1], s.settings.Project(deploy.Blue), s.dir + "/blue.yml"}
	defer plugin.run("down", "--volumes") // what it might recreate is not found as the app's
	ids := plugin.ids()
	up := plugin.run("up", "--detach")
	if got := plugin.ids(); !maps.Equal(got, ids) {
		t.Errorf("docker compose up recreated what was running: %v became %v\n%s", ids, got, up)
	}
	plugin.says("up", up, "web-1  Running")
}
