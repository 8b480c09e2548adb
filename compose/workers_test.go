package compose

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// office is a web service and two workers, of which mail depends on queue. All note when they have started and what ends
// them.
var office = `
services:
  web: {image: "` + debian + `", init: true, network_mode: none, command: [sleep, "300"]}
  mail:
    image: "` + debian + `"
    network_mode: none
    command: ` + diarist + `
    environment: {NAME: mail}
    volumes: ["./events:/events"]
    labels: {verdigris.role: worker}
    depends_on: [queue, web]
    restart: unless-stopped
    stop_signal: SIGUSR1
  queue:
    image: "` + debian + `"
    network_mode: none
    command: ` + diarist + `
    environment: {NAME: queue}
    volumes: ["./events:/events"]
    labels: [verdigris.role=worker]
    restart: on-failure:3
    post_start: [{command: [sh, -c, 'echo queue begins >> /events/log']}]
    pre_stop: [{command: [sh, -c, 'echo queue ends >> /events/log']}]
`

// newOffice has started blue of an office.
func newOffice(t *testing.T, file string) *site {
	t.Helper()
	s := newSite(t, connected(t), file)
	s.write("events/log", "")
	s.up(commitA)
	return s
}

// workers starts or stops blue's workers and fails the test unless it was that many.
func (s *site) workers(change func(context.Context, deploy.Slice, deploy.Log) (int, error), want int) {
	s.t.Helper()
	if n, err := change(s.t.Context(), deploy.Blue, s.log); err != nil || n != want {
		s.t.Fatalf("%d workers, want %d: %v\n%s", n, want, err, s.said())
	}
}

// workerStates are the states of blue's workers and their restart policies, by service.
func (s *site) workerStates() map[string]string {
	s.t.Helper()
	states := map[string]string{}
	for _, c := range s.observe().Containers {
		if c.Worker {
			i, err := s.engine.inspect(s.t.Context(), c.Name)
			testkit.Must(s.t, err)
			states[c.Service] = c.State
			if policy := i.HostConfig.RestartPolicy; !policy.IsNone() && policy.Name != "" {
				states[c.Service] += " " + string(policy.Name)
			}
		}
	}
	return states
}

func (s *site) wantWorkers(when string, want map[string]string) {
	s.t.Helper()
	if got := s.workerStates(); !maps.Equal(got, want) {
		s.t.Errorf("%s the workers are %v, want %v", when, got, want)
	}
}

func (s *site) wantDiary(when string, want ...string) {
	s.t.Helper()
	if got := s.diary(); !slices.Equal(got, want) {
		s.t.Errorf("%s the containers noted %q, want %q", when, got, want)
	}
}

func TestWorkersRunWhileTheirSliceIsLive(t *testing.T) {
	t.Parallel()
	s := newOffice(t, office)
	s.wantWorkers("after the start", map[string]string{"mail": "created", "queue": "created"})
	s.wantDiary("after the start")
	var log strings.Builder
	testkit.Must(t, s.Logs(t.Context(), deploy.Blue, deploy.LogOptions{}, &log)) // of workers that never ran too
	ids := s.ids()
	for _, turn := range []string{"at first", "the second time"} {
		s.startedWorkers()
		s.wantWorkers(turn, map[string]string{"mail": "running unless-stopped", "queue": "running on-failure"})
		s.workers(s.StartWorkers, 0)
		s.wantDiary(turn, "queue begins")
		s.workers(s.StopWorkers, 2)
		s.wantWorkers(turn, stoppedWorkers)
		s.workers(s.StopWorkers, 0)
		s.wantDiary(turn, "mail USR1", "queue ends", "queue TERM")
	}
	if now := s.ids(); len(now) != 3 || now["mail-1"] != ids["mail-1"] || now["queue-1"] != ids["queue-1"] {
		t.Errorf("the containers are %v, they were %v", now, ids)
	}
	t.Run("logs are those of others", func(t *testing.T) {
		testkit.Must(t, s.Logs(t.Context(), deploy.Blue, deploy.LogOptions{Services: []string{"mail"}}, &log))
		testkit.Contains(t, log.String(), "mail-1 | up")
	})
	t.Run("another site leaves them alone", s.leftAlone)
	t.Run("the engine restarts them", s.restarted)
	t.Run("a stop that is called off can be repeated", s.stoppedTwice)
	s.startedWorkers()
	s.diary()
	testkit.Must(t, s.Stop(t.Context(), deploy.Blue, s.log))
	s.wantDiary("at the stop of the slice", "mail USR1", "queue ends", "queue TERM")
	if left := leftovers(t, s.engine, s.settings.App); len(left) > 0 {
		t.Errorf("left are %q", left)
	}
}

// stoppedWorkers are the states of an office's workers that have run.
var stoppedWorkers = map[string]string{"mail": "exited", "queue": "exited"}

// startedWorkers starts the two workers of an office and waits until they hear signals.
func (s *site) startedWorkers() {
	s.t.Helper()
	s.workers(s.StartWorkers, 2)
	s.diarists(2)
}

// leftAlone checks that another site of the same name does not touch the workers.
func (s *site) leftAlone(t *testing.T) {
	clone := newSite(t, s.engine, office)
	clone.settings.App = s.settings.App
	for name, change := range map[string]func(context.Context, deploy.Slice, deploy.Log) (int, error){"start": clone.StartWorkers, "stop": clone.StopWorkers} {
		_, err := change(t.Context(), deploy.Blue, clone.log)
		var conflict *deploy.ConflictError
		if !errors.As(err, &conflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// restarted checks that the engine restarts a worker of a live slice, and that it is stopped all the same.
func (s *site) restarted(t *testing.T) {
	s.startedWorkers()
	mail := s.ids()["mail-1"]
	queue, err := s.engine.inspect(t.Context(), s.ids()["queue-1"])
	testkit.Must(t, err)
	if want := (container.RestartPolicy{Name: "on-failure", MaximumRetryCount: 3}); queue.HostConfig.RestartPolicy != want {
		t.Errorf("the restart policy is %+v", queue.HostConfig.RestartPolicy)
	}
	_, _ = s.in("mail").Exec(t.Context(), "bash", "-c", "kill -USR1 1") // it may be killed with its container
	testkit.Eventually(t, "the worker is back", func() bool {
		i, err := s.engine.inspect(t.Context(), mail)
		return err == nil && i.RestartCount > 0 && i.State.Running
	})
	s.diarists(1)
	s.workers(s.StopWorkers, 2)
	s.wantWorkers("after the stop", stoppedWorkers)
}

// stoppedTwice calls off a stop, and stops what is left.
func (s *site) stoppedTwice(t *testing.T) {
	s.startedWorkers()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n, err := s.StopWorkers(ctx, deploy.Blue, func(line string, _ ...deploy.Step) {
		if strings.Contains(line, "queue ends") || strings.Contains(line, "stop "+s.settings.Project(deploy.Blue)+"-queue-1") {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || n != 1 {
		t.Errorf("%d were stopped: %v", n, err)
	}
	if _, err := s.StopWorkers(t.Context(), deploy.Blue, s.log); err != nil {
		t.Error(err)
	}
	s.wantWorkers("after all", stoppedWorkers)
}

func TestASliceThatIsNotThereHasNoWorkers(t *testing.T) {
	t.Parallel()
	s := newSite(t, connected(t), office)
	s.workers(s.StartWorkers, 0)
	s.workers(s.StopWorkers, 0)
}

func TestAStartLeavesWorkersStopped(t *testing.T) {
	t.Parallel()
	s := newOffice(t, office)
	s.startedWorkers()
	ids := s.ids()
	s.diary()
	s.up(commitA)
	s.wantWorkers("after a start with nothing changed", stoppedWorkers)
	s.wantDiary("with nothing changed", "mail USR1", "queue ends", "queue TERM")
	if now := s.ids(); now["mail-1"] != ids["mail-1"] || now["queue-1"] != ids["queue-1"] {
		t.Errorf("the containers are %v, they were %v", now, ids)
	}

	s.startedWorkers()
	s.diary()
	s.write("blue.yml", strings.Replace(office, "NAME: queue", "NAME: queue, X: y", 1))
	s.up(commitA)
	s.wantWorkers("with queue changed", map[string]string{"mail": "exited", "queue": "created"})
	s.wantDiary("with queue changed", "mail USR1", "queue ends", "queue TERM")
	if now := s.ids(); now["mail-1"] != ids["mail-1"] || now["queue-1"] == ids["queue-1"] {
		t.Errorf("the containers are %v, they were %v", now, ids)
	}

	mail, queue := strings.Index(office, "  mail:"), strings.Index(office, "  queue:")
	s.write("blue.yml", strings.Replace(office[:mail]+office[queue:], "NAME: queue", "NAME: queue, X: y", 1))
	s.up(commitA)
	s.wantWorkers("without mail", map[string]string{"queue": "created"})
	s.workers(s.StartWorkers, 1)
}

func TestAFailedStartBringsWorkersBack(t *testing.T) {
	t.Parallel()
	s := newOffice(t, office)
	s.startedWorkers()
	ids := s.ids()
	s.write("blue.yml", strings.NewReplacer("NAME: queue", "NAME: queue, X: y", `[sleep, "300"]`, "[sh, -c, 'sleep 0.1; exit 1']").Replace(office))
	s.Settle = time.Minute
	s.settings.Web = ""
	testkit.ErrorContains(t, s.Start(t.Context(), deploy.Blue, s.release(commitA), s.log), "exited with status 1")
	if now := s.ids(); len(now) != 3 || now["mail-1"] != ids["mail-1"] || now["queue-1"] != ids["queue-1"] {
		t.Errorf("the containers are %v, they were %v", now, ids)
	}
	s.wantWorkers("after a failed start", map[string]string{"mail": "running unless-stopped", "queue": "running on-failure"})
}

// crew has one worker that does its work, one that ends well, one that fails and one that waits for that one.
var crew = `
services:
  web: {image: "` + debian + `", init: true, network_mode: none, command: [sleep, "300"]}
  good: {image: "` + debian + `", init: true, network_mode: none, command: [sleep, "300"], labels: {verdigris.role: worker}, scale: 2, healthcheck: {test: [CMD, "true"], interval: 1s}}
  once: {image: "` + debian + `", network_mode: none, command: ["true"], labels: {verdigris.role: worker}}
  bad: {image: "` + debian + `", network_mode: none, command: [sh, -c, "echo last words; exit 3"], labels: {verdigris.role: worker}}
  waits: {image: "` + debian + `", init: true, network_mode: none, command: [sleep, "300"], labels: {verdigris.role: worker}, depends_on: {bad: {condition: service_completed_successfully}}}
`

func TestAWorkerThatFailsIsToldAndLeavesTheOthersToTheirWork(t *testing.T) {
	t.Parallel()
	s := newOffice(t, crew)
	s.Settle = time.Minute // a busy machine may take longer over its last words than what counts as running
	n, err := s.StartWorkers(t.Context(), deploy.Blue, s.log)
	testkit.ErrorContains(t, err, s.settings.Project(deploy.Blue)+"-bad-1: it exited with status 3", "worker waits is not started, since it depends on bad")
	var logged *deploy.LoggedError
	if !errors.As(err, &logged) || !slices.Contains(logged.Lines, "last words") {
		t.Errorf("the lines of %v are missing", err)
	}
	if n != 4 {
		t.Errorf("%d were started, want 4", n)
	}
	s.wantWorkers("after the failure", map[string]string{"good": "running", "once": "exited", "bad": "exited", "waits": "created"})
	s.workers(s.StopWorkers, 2)
}

func TestAWorkerWhoseHookFailsIsStartedAnew(t *testing.T) {
	t.Parallel()
	hook := strings.Replace(office, "echo queue begins", "until grep -q queue /events/up; do sleep 0.1; done; cat /events/ready", 1)
	s := newOffice(t, hook)
	n, err := s.StartWorkers(t.Context(), deploy.Blue, s.log)
	testkit.ErrorContains(t, err, "post_start hook 1 of container "+s.settings.Project(deploy.Blue)+"-queue-1 exited with status 1", "worker mail is not started")
	if n != 0 {
		t.Errorf("%d were started", n)
	}
	s.wantWorkers("after the failure", map[string]string{"mail": "created", "queue": "exited"})
	s.wantDiary("after the failure", "queue ends", "queue TERM")
	s.write("events/ready", "ready\n")
	s.workers(s.StartWorkers, 2)
	s.wantDiary("when all is ready", "ready")
}

func TestAWorkerIsKilledAfterItsGrace(t *testing.T) {
	t.Parallel()
	s := newOffice(t, `
services:
  web: {image: "`+debian+`", init: true, network_mode: none, command: [sleep, "300"]}
  deaf: {image: "`+debian+`", network_mode: none, command: [bash, -c, 'trap "" TERM; echo deaf; sleep infinity'], stop_grace_period: 1s, restart: always, labels: {verdigris.role: worker}}
`)
	s.workers(s.StartWorkers, 1)
	deaf := s.ids()["deaf-1"]
	testkit.Eventually(t, "the worker is deaf", func() bool {
		lines, err := s.engine.tail(t.Context(), deaf, 1)
		return err == nil && slices.Equal(lines, []string{"deaf"})
	})
	s.workers(s.StopWorkers, 1)
	s.wantWorkers("after the stop", map[string]string{"deaf": "exited"})
	for _, c := range s.observe().Containers {
		if c.Worker && c.ExitCode != 137 {
			t.Errorf("it ended with status %d", c.ExitCode)
		}
	}
}

// TestOnlyTheWorkersOfTheRunningReleaseStart has verdigris die when the successors are made and nothing runs of them.
func TestOnlyTheWorkersOfTheRunningReleaseStart(t *testing.T) {
	t.Parallel()
	s := newOffice(t, office)
	s.startedWorkers()
	s.workers(s.StopWorkers, 2)
	old := s.ids()
	s.write("blue.yml", strings.ReplaceAll(office, "NAME: ", "X: y, NAME: "))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p, err := s.loadSlice(ctx, deploy.Blue, s.release(commitB))
	testkit.Must(t, err)
	images, err := s.images(ctx, p, nil)
	testkit.Must(t, err)
	seen, err := s.engine.observe(ctx, p.Name)
	testkit.Must(t, err)
	pl, err := newPlan(p, seen, images)
	testkit.Must(t, err)
	testkit.Must(t, newExecution(s.Runtime, pl, s.log).createContainers(ctx))
	if list := s.containers(); len(list) != 6 {
		t.Fatalf("there are %d containers, want 6", len(list))
	}

	s.workers(s.StartWorkers, 2)
	for _, c := range s.containers() {
		isOld := slices.Contains([]string{old["mail-1"], old["queue-1"], old["web-1"]}, c.id)
		if c.running() != isOld {
			t.Errorf("%s is %s", c.name, c.state)
		}
	}
	s.up(commitB)
	s.wantWorkers("after the next start", map[string]string{"mail": "created", "queue": "created"})
}

func TestAWorkersImageStaysWhileItsContainerRests(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, `services: {web: {image: "`+debian+`", init: true, network_mode: none, command: [sleep, "300"]}, w: {build: ., network_mode: none, labels: {verdigris.role: worker}}}`)
	s.write("Dockerfile", "FROM "+debian+"\nRUN echo worker > /role\nCMD [\"sleep\", \"300\"]\n")
	s.up(commitA)
	_, err := s.Prune(t.Context(), nil)
	testkit.Must(t, err)
	i, err := e.inspect(t.Context(), s.ids()["w-1"])
	testkit.Must(t, err)
	if id, err := e.imageID(t.Context(), s.settings.App+"-w:"+string(commitA)); err != nil || id != i.Image {
		t.Errorf("the image is %q: %v", id, err)
	}
	s.workers(s.StartWorkers, 1)
}

func TestACycleInTheLabelsOfWorkersDoesNotHangTheirStart(t *testing.T) {
	workers := []found{
		{service: "a", labels: map[string]string{labelDependsOn: "b:service_started:false"}},
		{service: "b", labels: map[string]string{labelDependsOn: "a:service_healthy:false"}},
	}
	waiting := 0
	for _, sp := range planWorkers(workers).services() {
		waiting += len(sp.waits)
	}
	if waiting > 1 {
		t.Errorf("each waits for the other")
	}
}

func TestDockerComposeSeesWorkersThatRest(t *testing.T) {
	t.Parallel()
	e := connected(t)
	file := `
services:
  web: {image: "` + debian + `", init: true, network_mode: none, command: [sleep, "300"]}
  mail: {image: "` + debian + `", init: true, network_mode: none, command: [sleep, "300"], labels: {verdigris.role: worker}, depends_on: [queue], restart: always}
  queue: {image: "` + debian + `", init: true, network_mode: none, command: [sleep, "300"], labels: {verdigris.role: worker}}
`
	for i, client := range newSite(t, nil, file).composeClients() {
		t.Run(client.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, e, file)
			s.write(".env", "")
			s.up(commitA)
			c := composed{s, t, s.composeClients()[i], s.settings.Project(deploy.Blue), s.dir + "/blue.yml"}
			c.says("ps", c.run("ps", "--all"), c.project+"-mail-1", c.project+"-queue-1")
			s.workers(s.StartWorkers, 2)
			s.workers(s.StopWorkers, 2)
			c.says("ps", c.run("ps", "--all"), c.project+"-mail-1", c.project+"-queue-1")
			c.run("start")
			c.wantStates("start", map[string]string{"web": "running", "mail": "running", "queue": "running"})
			s.workers(s.StartWorkers, 0)
			s.wantWorkers("started by hand", map[string]string{"mail": "running always", "queue": "running"})
			s.workers(s.StopWorkers, 2)
			c.run("down", "--timeout", "3")
			c.wantStates("down", map[string]string{})
		})
	}
}
