package compose

import (
	"context"
	"errors"
	"maps"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

func TestAFailedStartNamesTheContainerAndLeavesNothing(t *testing.T) {
	t.Parallel()
	e := connected(t)
	for name, c := range map[string]struct{ file, want, line string }{
		"a container that exits at once": {
			`services: {web: {image: "` + debian + `", init: true, command: [sleep, "60"]}, worker: {image: "` + debian + `", command: [sh, -c, "for i in $$(seq 30); do echo line $$i; done; exit 3"], volumes: ["data:/d"]}}` + "\nvolumes: {data: }",
			"worker-1: it exited with status 3", "line 30",
		},
		"a container that is restarted for ever": {
			`services: {web: {image: "` + debian + `", init: true, network_mode: none, command: [sleep, "60"]}, worker: {image: "` + debian + `", network_mode: none, restart: always, command: [sh, -c, "echo again; exit 1"]}}`,
			"is being restarted", "again",
		},
		"a dependency that never gets healthy": {
			`services: {web: {image: "` + debian + `", network_mode: none, command: [sleep, "60"], depends_on: {db: {condition: service_healthy}}}, db: {image: "` + debian + `", init: true, network_mode: none, command: [sh, -c, "echo up; sleep 60"], healthcheck: {test: "echo no; exit 1", interval: 50ms, retries: 2}}}`,
			"db-1: it is unhealthy", "up",
		},
		"a job before it that fails": {
			`services: {web: {image: "` + debian + `", network_mode: none, command: [sleep, "60"], depends_on: {job: {condition: service_completed_successfully}}}, job: {image: "` + debian + `", network_mode: none, command: [sh, -c, "echo no schema >&2; exit 4"]}}`,
			"job-1: it exited with status 4", "no schema",
		},
		"a command that does not exist": {
			`services: {web: {image: "` + debian + `", network_mode: none, command: [no-such-command]}}`,
			"start container", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, e, c.file)
			s.Settle = time.Minute // a busy machine may take longer over a few lines than what counts as running
			rel, err := s.Build(t.Context(), deploy.Blue, s.release(commitA), false, s.log)
			if err != nil {
				t.Fatal(err)
			}
			err = s.Start(t.Context(), deploy.Blue, rel, s.log)
			testkit.ErrorContains(t, err, c.want)
			var logged *deploy.LoggedError
			if !errors.As(err, &logged) {
				t.Fatalf("%v has no log lines", err)
			}
			if len(logged.Lines) > 20 || c.line != "" && !slices.Contains(logged.Lines, c.line) {
				t.Errorf("log lines are %q", logged.Lines)
			}
			if left := leftovers(t, e, s.settings.App); len(left) > 0 {
				t.Errorf("the failed start left %q", left)
			}
			// The next good release starts.
			s.write("blue.yml", `services: {web: {image: "`+debian+`", init: true, network_mode: none, command: [sleep, "60"]}}`)
			s.up(commitB)
		})
	}
}

// expiring is a context whose deadline comes when the test wants it.
type expiring struct {
	context.Context
	over chan struct{}
}

func (c expiring) Done() <-chan struct{} { return c.over }

func (c expiring) Err() error {
	select {
	case <-c.over:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

const hanging = `services: {web: {image: "${IMAGE}", init: true, network_mode: none, command: [sleep, "60"], healthcheck: {test: "exit 1", interval: 30s}}}`

func TestAContainerThatHangsIsGivenUpInTime(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, hanging)
	s.write(".env", "IMAGE="+debian+"\n")
	ctx := expiring{t.Context(), make(chan struct{})}
	done := s.starting(ctx)
	testkit.Eventually(t, "that the container runs", func() bool { list := s.containers(); return len(list) == 1 && list[0].running() })
	close(ctx.over)
	err := <-done
	testkit.ErrorContains(t, err, "web-1", "in the time given")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v is not a deadline", err)
	}
	s.HealthTimeout = 300 * time.Millisecond
	testkit.ErrorContains(t, s.Start(t.Context(), deploy.Blue, s.release(commitA), s.log), "did not become ready within 300ms")
	if left := leftovers(t, e, s.settings.App); len(left) > 0 {
		t.Errorf("the failed start left %q", left)
	}
}

func TestACancelledStartLeavesNothing(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, hanging)
	s.write(".env", "IMAGE="+debian+"\n")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := s.starting(ctx)
	testkit.Eventually(t, "that there is a container", func() bool { return len(s.containers()) > 0 })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if left := leftovers(t, e, s.settings.App); len(left) > 0 {
		t.Errorf("the cancelled start left %q", left)
	}
}

// starting starts blue beside the test and returns where its error will be.
func (s *site) starting(ctx context.Context) <-chan error {
	done := make(chan error, 1)
	go func() { done <- s.Start(ctx, deploy.Blue, s.release(commitA), s.log) }()
	return done
}

// containers are those of blue.
func (s *site) containers() []found {
	s.t.Helper()
	list, err := s.engine.containersOf(context.Background(), s.settings.Project(deploy.Blue))
	testkit.Must(s.t, err)
	return list
}

func TestWhatEnginesSayOfATakenPortIsUnderstood(t *testing.T) {
	for _, said := range []string{
		"Bind for 127.0.0.1:8080 failed: port is already allocated",
		"Error starting userland proxy: listen tcp4 0.0.0.0:8080: bind: address already in use",
		"failed to bind host port for 127.0.0.1:8080:172.19.0.2:80/tcp: address already in use",
		"failed to bind host port for [::1]:8080:172.19.0.2:80/tcp: address already in use",
		"failed to bind host port for 8080:172.19.0.2:80/tcp: address already in use",
		"failed to bind host port 8080 for 0.0.0.0:8080-8081:172.19.0.2:80/tcp: address already in use",
	} {
		testkit.ErrorContains(t, taken(errors.New(said)), "port 8080 of this machine is already taken by another program", said)
	}
}

func TestATakenPortIsNamed(t *testing.T) {
	t.Parallel()
	e := connected(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	file := `services: {web: {image: "` + debian + `", init: true, command: [sleep, "60"], ports: ["127.0.0.1:` + port + `:80"]}}`
	s := newSite(t, e, file)
	rel, err := s.Build(t.Context(), deploy.Blue, s.release(commitA), false, s.log)
	if err != nil {
		t.Fatal(err)
	}
	testkit.ErrorContains(t, s.Start(t.Context(), deploy.Blue, rel, s.log), "port "+port, "already taken by another program")
	if left := leftovers(t, e, s.settings.App); len(left) > 0 {
		t.Errorf("the failed start left %q", left)
	}

	listener.Close()
	s.up(commitA)
	other := newSite(t, e, file)
	testkit.ErrorContains(t, other.Check(t.Context(), deploy.Blue, other.release(commitA)), "port "+port, s.settings.Project(deploy.Blue)+"-web-1")
}

func TestAFailedStartBringsBackWhatItReplaced(t *testing.T) {
	t.Parallel()
	e := connected(t)
	file := `
services:
  web: {image: "` + debian + `", init: true, network_mode: none, command: [sleep, "60"], depends_on: [db]}
  db: {image: "` + debian + `", init: true, network_mode: none, command: [sleep, "60"]}
`
	// The release that fails no longer has the worker, which must come back all the same.
	s := newSite(t, e, file+`  worker: {image: "`+debian+`", init: true, network_mode: none, command: [sleep, "60"]}`+"\n")
	before := s.up(commitA)
	ids := s.ids()
	s.write("blue.yml", strings.ReplaceAll(file, `[sleep, "60"]`, `[sh, -c, "sleep 0.1; exit 1"]`))
	s.Settle = time.Minute // a busy machine may take longer to exit than what counts as running
	testkit.ErrorContains(t, s.Start(t.Context(), deploy.Blue, s.release(commitB), s.log), "exited with status 1")
	if got := s.ids(); !maps.Equal(got, ids) {
		t.Errorf("containers are %v, were %v", got, ids)
	}
	if after := s.observe(); !reflect.DeepEqual(statesOf(before), statesOf(after)) || after.Commit != commitA {
		t.Errorf("status is %+v, was %+v", after, before)
	}
}

func statesOf(s deploy.SliceStatus) map[string]string {
	states := map[string]string{}
	for _, c := range s.Containers {
		states[c.Name] = c.State
	}
	return states
}

func TestWhatTheEngineRefusesToMakeStopsNothing(t *testing.T) {
	t.Parallel()
	e := connected(t)
	service := `
  web:
    image: "` + debian + `"
    network_mode: none
    command: ` + diarist + `
    environment: {NAME: web, TURN: "${TURN}"}
    volumes: [./events:/events]
    post_start:
      - {command: [sh, -c, 'echo post_start >> /events/log']}
`
	s := newSite(t, e, "services:"+service)
	s.write(".env", "TURN=1\n")
	s.write("events/log", "")
	s.up(commitA)
	if got := s.diary(); !slices.Equal(got, []string{"post_start"}) {
		t.Fatalf("at the start: %q", got)
	}
	before, err := e.inspect(t.Context(), s.ids()["web-1"])
	testkit.Must(t, err)

	s.write(".env", "TURN=2\n")
	s.write("blue.yml", "services:"+service+"  broken: {image: \""+debian+"\", network_mode: none, runtime: no-such-runtime}\n")
	testkit.ErrorContains(t, s.Start(t.Context(), deploy.Blue, s.release(commitA), s.log), "no-such-runtime")
	after, err := e.inspect(t.Context(), s.ids()["web-1"])
	testkit.Must(t, err)
	if after.ID != before.ID || after.State.StartedAt != before.State.StartedAt {
		t.Errorf("web is %s since %s, it was %s since %s", after.ID, after.State.StartedAt, before.ID, before.State.StartedAt)
	}
	if got := s.diary(); len(got) > 0 {
		t.Errorf("noted: %q", got)
	}
}
