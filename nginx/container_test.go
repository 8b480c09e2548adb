package nginx

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"verdigris/deploy"

	"verdigris/internal/testkit"
)

// dockerContainer is a real container, reached through the docker command.
type dockerContainer struct{ name string }

func docker(ctx context.Context, args ...string) (string, error) {
	output, err := runCommand(ctx, append([]string{"docker"}, args...)...)
	if err != nil {
		return output, fmt.Errorf("docker %s: %w: %s", args[0], err, output)
	}
	return output, nil
}

func (c dockerContainer) Exec(ctx context.Context, argv ...string) (string, error) {
	return docker(ctx, append([]string{"exec", c.name}, argv...)...)
}

func (c dockerContainer) Signal(ctx context.Context, signal string, ids ...string) error {
	if len(ids) > 0 {
		_, err := c.Exec(ctx, "sh", "-c", "kill -s "+strings.TrimPrefix(signal, "SIG")+" "+strings.Join(ids, " "))
		return err
	}
	_, err := docker(ctx, "kill", "--signal", signal, c.name)
	return err
}

func (c dockerContainer) Processes(ctx context.Context) ([][2]string, error) {
	output, err := c.Exec(ctx, "sh", "-c", "grep -as '' /proc/[0-9]*/cmdline; true") // ids as the container has them
	if err != nil {
		return nil, err
	}
	var processes [][2]string
	for line := range strings.Lines(output) {
		path, command, _ := strings.Cut(line, ":")
		if pid := strings.Split(path, "/"); len(pid) == 4 {
			processes = append(processes, [2]string{pid[2], strings.TrimSpace(strings.ReplaceAll(command, "\x00", " "))})
		}
	}
	return processes, nil
}

func (c dockerContainer) Read(ctx context.Context, files ...string) (string, error) {
	output, err := exec.CommandContext(ctx, "docker", append([]string{"exec", c.name, "cat"}, files...)...).Output()
	return string(output), err // all of it: Exec would keep the end only
}

func (c dockerContainer) Down(ctx context.Context) (bool, error) {
	state, err := docker(ctx, "inspect", "-f", "{{.State.Status}}", c.name)
	return state == "exited", err
}

// newContainerSite runs edge and router in containers as the shared compose file does, but on the host's network,
// where the test's backends are.
func newContainerSite(t *testing.T) (*site, dockerContainer) {
	t.Helper()
	image := testkit.Image(t, "NGINX_IMAGE")
	s := newStoppedSite(t)
	base := filepath.Base(filepath.Dir(s.settings.ConfDir))
	// On the host's network everybody's sockets are in one list: these have a path of their own.
	runDir := "/run/" + base
	s.settings.NginxConfDir, s.settings.NginxRunDir, s.settings.TempDir = ContainerConfDir, runDir, "/tmp"
	_, err := s.Prepare(t.Context())
	testkit.Must(t, err)
	start := func(part string, argv []string) dockerContainer {
		name := base + "-" + part
		args := []string{"run", "-d", "--name", name, "--network", "host", "--entrypoint", argv[0],
			"-v", s.settings.ConfDir + ":" + ContainerConfDir + ":ro", "-v", s.settings.RunDir + ":" + runDir, image}
		t.Cleanup(func() {
			if t.Failed() {
				output, _ := docker(background(t), "logs", name)
				t.Logf("%s printed:\n%s", name, output)
			}
			_, _ = docker(background(t), "rm", "-f", name)
		})
		_, err := docker(t.Context(), append(args, argv[1:]...)...)
		testkit.Must(t, err)
		return dockerContainer{name}
	}
	router := start("router", routerCommand(ContainerConfDir, runDir))
	edge := start("edge", edgeCommand(ContainerConfDir))
	s.Process, s.Clients = ContainerProcess{router}, ContainerProcess{edge}
	testkit.Eventually(t, "the router answers", func() bool {
		_, err := s.admin().generation(t.Context())
		return err == nil
	})
	s.waitForEdge(t)
	return s, router
}

func TestCutoversThroughContainersFailNoRequest(t *testing.T) {
	t.Parallel()
	s, router := newContainerSite(t)
	blue, green := newBackend(t, deploy.Blue, nil), newBackend(t, deploy.Green, nil)
	s.goLive(t, blue)
	green.seal(true)
	tr := startTraffic(t, s.addr)
	from, to := blue, green
	for range 4 {
		_, longest := s.cutover(t, from, to)
		t.Logf("the longest wait was %s", longest)
		from, to = to, from
	}
	tr.check(t, blue, green)

	// A container that was killed starts over the sockets that it left.
	_, err := docker(t.Context(), "kill", router.name)
	testkit.Must(t, err)
	if err := s.Apply(t.Context(), green.route()); err == nil || !strings.Contains(err.Error(), ErrNotRunning.Error()) {
		t.Errorf("with the container dead: %v", err)
	}
	_, err = docker(t.Context(), "start", router.name)
	testkit.Must(t, err)
	testkit.Eventually(t, "the live slice answers again", func() bool {
		status, slice, err := parted(s.Get(t.Context(), "/"))
		return err == nil && status == 200 && slice == from.slice
	})
	bad := deploy.Route{Slice: deploy.Green, Endpoints: []deploy.Endpoint{{Address: "no-such-host.invalid:80"}}}
	if err := s.Apply(t.Context(), bad); err == nil || !strings.Contains(err.Error(), "host not found in upstream") {
		t.Errorf("a refused configuration: %v", err)
	}
}
