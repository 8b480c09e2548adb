package compose

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

func TestASharedContainerRunsCommandsTakesSignalsAndListsItsProcesses(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, "services: {web: {image: x}}")
	s.write("shared.yml", `services: {router: {image: "`+debian+`", command: [bash, -c, "`+tender+`"]}}`)
	router := s.SharedContainer("router")
	_, err := router.Exec(t.Context(), "true")
	testkit.ErrorContains(t, err, "no container of service router", "is running")
	if err := s.UpShared(t.Context(), s.log); err != nil {
		t.Fatal(err)
	}

	out, err := router.Exec(t.Context(), "sh", "-c", "echo out; echo err >&2")
	if err != nil || !strings.Contains(out, "out") || !strings.Contains(out, "err") {
		t.Errorf("exec: %q, %v", out, err)
	}
	out, err = router.Exec(t.Context(), "sh", "-c", "echo why; exit 7")
	testkit.ErrorContains(t, err, "status 7", "why")
	if out != "why" {
		t.Errorf("output is %q", out)
	}
	ready(t, router)
	testkit.Must(t, router.Signal(t.Context(), "HUP"))
	testkit.Eventually(t, "the signal", func() bool {
		out, err := router.Exec(t.Context(), "cat", "/tmp/mark")
		return err == nil && out == "reloaded"
	})
	processes, err := router.Processes(t.Context())
	if err != nil || len(processes) == 0 || processes[0][0] == "" || !strings.HasPrefix(processes[0][1], "bash") {
		t.Errorf("processes are %q, %v", processes, err)
	}
	_, err = router.Exec(t.Context(), "sh", "-c", `echo one > "/tmp/it's"; echo two > /tmp/2`)
	testkit.Must(t, err)
	content, err := router.Read(t.Context(), "/tmp/it's", "/tmp/2")
	if err != nil || content != "one\ntwo" {
		t.Errorf("the files hold %q, %v", content, err)
	}
	_, err = router.Read(t.Context(), "/tmp/none")
	testkit.ErrorContains(t, err, "read files of service router", "No such file")
	address, err := router.Address(t.Context(), 80)
	if host, port, _ := net.SplitHostPort(address); err != nil || net.ParseIP(host) == nil || port != "80" {
		t.Errorf("address is %s, %v", address, err)
	}

	before, _ := e.containersOf(t.Context(), s.settings.SharedProject())
	testkit.Must(t, s.UpShared(t.Context(), s.log))
	after, _ := e.containersOf(t.Context(), s.settings.SharedProject())
	if len(before) != 1 || len(after) != 1 || before[0].id != after[0].id {
		t.Error("a second up recreated an unchanged shared container")
	}
}

// tender notes a HUP and exits at a USR1. When it hears signals it makes /tmp/ready.
const tender = `trap 'echo reloaded >> /tmp/mark' HUP; trap 'exit 1' USR1; touch /tmp/ready; while true; do sleep 600 & wait; done`

// ready waits until a tender hears signals.
func ready(t *testing.T, c *Container) {
	t.Helper()
	testkit.Eventually(t, "that the container hears signals", func() bool {
		_, err := c.Exec(t.Context(), "cat", "/tmp/ready")
		return err == nil
	})
}

func TestAContainerThatTookASignalIsStillRestartedWhenItDies(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, "services: {web: {image: x}}")
	s.write("shared.yml", `services: {router: {image: "`+debian+`", network_mode: none, restart: unless-stopped, command: [bash, -c, "`+tender+`"]}}`)
	testkit.Must(t, s.UpShared(t.Context(), s.log))
	router := s.SharedContainer("router")
	ready(t, router)
	testkit.Must(t, router.Signal(t.Context(), "SIGHUP"))
	testkit.Eventually(t, "the signal", func() bool {
		_, err := router.Exec(t.Context(), "cat", "/tmp/mark")
		return err == nil
	})
	_, _ = router.Exec(t.Context(), "sh", "-c", "kill -USR1 1") // it may be killed with its container
	testkit.Eventually(t, "the restart", func() bool {
		list, err := e.containersOf(t.Context(), s.settings.SharedProject())
		if err != nil || len(list) != 1 {
			return false
		}
		i, err := e.inspect(t.Context(), list[0].id)
		return err == nil && i.RestartCount == 1 && i.State.Running
	})
}

func TestAContainerWithoutAShellTakesSignalsToo(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, "services: {web: {image: x}}")
	s.write("bare/Dockerfile", "FROM "+debian+"\nRUN rm /bin/sh\n")
	s.write("shared.yml", `services: {router: {build: bare, network_mode: none, command: [bash, -c, "`+tender+`"]}}`)
	testkit.Must(t, s.UpShared(t.Context(), s.log))
	router := s.SharedContainer("router")
	ready(t, router)
	testkit.Must(t, router.Signal(t.Context(), "SIGHUP"))
	testkit.Eventually(t, "the signal", func() bool {
		_, err := router.Exec(t.Context(), "cat", "/tmp/mark")
		return err == nil
	})
	testkit.ErrorContains(t, router.Signal(t.Context(), "SIGQUIT", "7"), "no shell") // the ids that are known are the host's
	if content, err := router.Read(t.Context(), "/tmp/mark"); err != nil || content != "reloaded" {
		t.Errorf("the file holds %q, %v", content, err)
	}
}

func TestAnyProcessOfAContainerTakesSignals(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, "services: {web: {image: x}}")
	s.write("shared.yml", `services: {router: {image: "`+debian+`", network_mode: none, command: [bash, -c, "sleep 600 & wait; sleep 600"]}}`)
	testkit.Must(t, s.UpShared(t.Context(), s.log))
	router := s.SharedContainer("router")
	sleeper := func() (id string) {
		processes, err := router.Processes(t.Context())
		testkit.Must(t, err)
		for _, p := range processes {
			if strings.HasPrefix(p[1], "sleep") {
				id = p[0]
			}
		}
		return id
	}
	var first string
	testkit.Eventually(t, "the first sleep", func() bool { first = sleeper(); return first != "" })
	testkit.Must(t, router.Signal(t.Context(), "SIGTERM", first))
	testkit.Eventually(t, "the second one", func() bool { id := sleeper(); return id != "" && id != first })
	testkit.ErrorContains(t, router.Signal(t.Context(), "SIGTERM", "999999"), "send SIGTERM to service router", "No such process")
}

func TestASecondDirectoryDoesNotTakeOverAProjectOfTheSameName(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, `services: {web: {image: "`+debian+`", init: true, command: [sleep, "300"]}}`)
	s.up(commitA)
	clone := newSite(t, nil, `services: {web: {image: "`+debian+`", init: true, command: [sleep, "200"]}}`)
	clone.engine, clone.settings.App = e, s.settings.App
	for what, err := range map[string]error{
		"check": clone.Check(t.Context(), deploy.Blue, clone.release(commitB)),
		"start": clone.Start(t.Context(), deploy.Blue, clone.release(commitB), clone.log),
		"stop":  clone.Stop(t.Context(), deploy.Blue, clone.log),
	} {
		if testkit.ErrorContains(t, err, s.dir, clone.dir); !errors.As(err, new(*deploy.ConflictError)) {
			t.Errorf("%s: %v is no conflict", what, err)
		}
	}
	if ids := s.ids(); len(ids) != 1 || !s.observe().Running() {
		t.Errorf("containers are %v", ids)
	}
	testkit.Must(t, os.Rename(s.dir, s.dir+"-moved"))
	testkit.Must(t, clone.Stop(t.Context(), deploy.Blue, clone.log))
}

func TestSharedFilesHaveTheServicesThatTheConfigurationNames(t *testing.T) {
	t.Parallel()
	s := newSite(t, connected(t), "services: {web: {image: x}}")
	s.write("shared.yml", `services: {edge: {image: "`+debian+`"}}`)
	s.settings.Needs = []string{"edge", "redis-blue"}
	testkit.ErrorContains(t, s.UpShared(t.Context(), s.log), "shared.yml", "no service redis-blue")
}

func TestASecondQuestionNeedsNoSecondShellAndOneAfterARestartDoes(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, "services: {web: {image: x}}")
	s.write("shared.yml", `services: {router: {image: "`+debian+`", init: true, network_mode: none, command: [sleep, "600"]}}`)
	testkit.Must(t, s.UpShared(t.Context(), s.log))
	router := s.SharedContainer("router")
	shells := func() (n int) {
		processes, err := router.Processes(t.Context())
		testkit.Must(t, err)
		for _, p := range processes {
			if p[1] == "sh" {
				n++
			}
		}
		return n
	}
	for range 3 {
		if n := shells(); n != 1 {
			t.Fatalf("%d shells", n)
		}
	}
	list, err := e.containersOf(t.Context(), s.settings.SharedProject())
	testkit.Must(t, err)
	testkit.Must(t, e.client.ContainerRestart(t.Context(), list[0].id, container.StopOptions{}))
	if n := shells(); n != 1 {
		t.Errorf("%d shells after the restart", n)
	}
}

func TestContainer_PausedOrEnded_IsDownOnlyWhenItHasEnded(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, "services: {web: {image: x}}")
	s.write("shared.yml", `services: {router: {image: "`+debian+`", init: true, network_mode: none, command: [sleep, "600"]}}`)
	router := s.SharedContainer("router")
	want := func(when string, want bool) {
		t.Helper()
		if down, err := router.Down(t.Context()); err != nil || down != want {
			t.Errorf("%s: down is %t, %v", when, down, err)
		}
	}
	want("before it is made", true)
	testkit.Must(t, s.UpShared(t.Context(), s.log))
	want("while it runs", false)
	list, err := e.containersOf(t.Context(), s.settings.SharedProject())
	testkit.Must(t, err)
	testkit.Must(t, e.client.ContainerPause(t.Context(), list[0].id))
	want("paused", false)
	_, err = router.Exec(t.Context(), "true")
	testkit.ErrorContains(t, err, "is paused")
	testkit.Must(t, e.client.ContainerUnpause(t.Context(), list[0].id))
	testkit.Must(t, e.client.ContainerKill(t.Context(), list[0].id, "KILL"))
	testkit.Eventually(t, "the end", func() bool {
		down, err := router.Down(t.Context())
		return err == nil && down
	})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if down, err := router.Down(gone); err == nil || down {
		t.Errorf("without an answer: down is %t, %v", down, err)
	}
}
