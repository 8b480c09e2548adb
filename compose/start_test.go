package compose

import (
	"context"
	"errors"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"verdigris/deploy"
)

// shop is a small application: a web service (redis stands in for it), its database and a job before both.
const shop = `
services:
  web:
    image: ` + redis + `
    command: [redis-server, --port, "6379", --save, ""]
    depends_on:
      db: {condition: service_healthy}
      setup: {condition: service_completed_successfully}
    tmpfs: [/data]
    stop_grace_period: 3s
  db:
    image: ` + redis + `
    command: [redis-server, --save, ""]
    healthcheck: {test: [CMD, redis-cli, ping], interval: 300ms, retries: 20}
    volumes: ["data:/data"]
    stop_grace_period: 3s
  setup:
    image: ` + debian + `
    command: [sh, -c, 'echo "slice $$VERDIGRIS_SLICE release $$VERDIGRIS_RELEASE"']
volumes: {data: }
`

func TestASliceStartsIsSeenByComposeAndStops(t *testing.T) {
	e := connected(t)
	s := newSite(t, e, shop)
	status := s.up(commitA)
	if status.Commit != commitA || len(status.Containers) != 3 {
		t.Errorf("status is %+v", status)
	}
	if len(status.Endpoints) != 1 || !strings.HasSuffix(status.Endpoints[0].Address, ":6379") {
		t.Fatalf("endpoints are %+v", status.Endpoints)
	}
	conn, err := net.DialTimeout("tcp", status.Endpoints[0].Address, 2*time.Second)
	if err != nil {
		t.Fatalf("the endpoint does not answer: %v", err)
	}
	conn.Close()

	project := s.settings.Project(deploy.Blue)
	ps := s.dockerCompose("ps")
	for _, name := range []string{"web-1", "db-1", "setup-1"} {
		if !strings.Contains(ps, project+"-"+name) {
			t.Errorf("docker-compose ps does not show %s:\n%s", name, ps)
		}
	}
	if logs := s.dockerCompose("logs", "--no-color", "setup"); !strings.Contains(logs, "slice blue release "+string(commitA)) {
		t.Errorf("docker-compose logs shows\n%s", logs)
	}

	check(t, s.Stop(t.Context(), deploy.Blue, s.log))
	if got := leftovers(t, e, s.settings.App); !slices.Equal(got, []string{"volume " + project + "_data"}) {
		t.Errorf("after the stop there are %q; the volume alone should stay", got)
	}
	if said := s.said(); strings.Index(said, "remove "+project+"-web-1") > strings.Index(said, "remove "+project+"-db-1") {
		t.Errorf("the database was stopped before the web service:\n%s", said)
	}
	if status := s.observe(); len(status.Containers) != 0 || status.Running() {
		t.Errorf("after the stop the status is %+v", status)
	}
}

func TestDockerComposeStopsWhatWasStartedHere(t *testing.T) {
	e := connected(t)
	s := newSite(t, e, shop)
	s.up(commitA)
	s.dockerCompose("down", "--timeout", "3")
	got := leftovers(t, e, s.settings.App)
	if !slices.Equal(got, []string{"volume " + s.settings.Project(deploy.Blue) + "_data"}) {
		t.Errorf("docker-compose down left %q", got)
	}
}

// dockerCompose runs Compose 1.29 on blue.
func (s *site) dockerCompose(args ...string) string {
	s.t.Helper()
	args = append([]string{"-p", s.settings.Project(deploy.Blue), "-f", s.dir + "/blue.yml"}, args...)
	out, err := exec.CommandContext(s.t.Context(), "docker-compose", args...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("docker-compose %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestASecondStartKeepsWhatIsUnchanged(t *testing.T) {
	e := connected(t)
	s := newSite(t, e, shop)
	s.up(commitA)
	before := s.ids()
	s.write("blue.yml", strings.Replace(shop, `"6379", --save`, `"6379", --appendonly, "no", --save`, 1))
	s.up(commitB)
	after := s.ids()
	if before["db-1"] != after["db-1"] || before["setup-1"] != after["setup-1"] {
		t.Errorf("unchanged containers were recreated: %v became %v", before, after)
	}
	if before["web-1"] == after["web-1"] {
		t.Error("the changed container was not recreated")
	}
}

// TestAFailedStart leaves nothing of what it created and names the container and its last words.
func TestAFailedStartNamesTheContainerAndLeavesNothing(t *testing.T) {
	e := connected(t)
	for name, c := range map[string]struct{ file, want, line string }{
		"a container that exits at once": {
			`services: {web: {image: "` + debian + `", command: [sh, -c, "for i in $$(seq 30); do echo line $$i; done; exit 3"], volumes: ["d:/d"]}}` + "\nvolumes: {d: }",
			"web-1: it exited with status 3", "line 30",
		},
		"a container that is restarted for ever": {
			`services: {web: {image: "` + debian + `", restart: always, command: [sh, -c, "echo again; exit 1"]}}`,
			"is being restarted", "again",
		},
		"a dependency that never gets healthy": {
			`services: {web: {image: "` + debian + `", command: [sleep, "60"], depends_on: {db: {condition: service_healthy}}}, db: {image: "` + debian + `", init: true, command: [sh, -c, "echo up; sleep 60"], healthcheck: {test: "echo no; exit 1", interval: 50ms, retries: 2}}}`,
			"db-1: it is unhealthy", "up",
		},
		"a job before it that fails": {
			`services: {web: {image: "` + debian + `", command: [sleep, "60"], depends_on: {job: {condition: service_completed_successfully}}}, job: {image: "` + debian + `", command: [sh, -c, "echo no schema >&2; exit 4"]}}`,
			"job-1: it exited with status 4", "no schema",
		},
		"a command that does not exist": {
			`services: {web: {image: "` + debian + `", command: [no-such-command]}}`,
			"start container", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, e, c.file)
			rel, err := s.Build(t.Context(), deploy.Blue, s.release(commitA), false, s.log)
			if err != nil {
				t.Fatal(err)
			}
			err = s.Start(t.Context(), deploy.Blue, rel, s.log)
			wants(t, err, c.want)
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
			s.write("blue.yml", `services: {web: {image: "`+debian+`", init: true, command: [sleep, "60"]}}`)
			s.up(commitB)
		})
	}
}

func TestAContainerThatHangsIsGivenUpInTime(t *testing.T) {
	e := connected(t)
	s := newSite(t, e, `services: {web: {image: "`+debian+`", init: true, command: [sh, -c, "echo starting; sleep 60"], healthcheck: {test: "exit 1", interval: 30s}}}`)
	rel, err := s.Build(t.Context(), deploy.Blue, s.release(commitA), false, s.log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	err = s.Start(ctx, deploy.Blue, rel, s.log)
	wants(t, err, "web-1", "did not become ready in the time given")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v is not a deadline", err)
	}
	s.HealthTimeout = 300 * time.Millisecond
	wants(t, s.Start(t.Context(), deploy.Blue, rel, s.log), "did not become ready within 300ms")
	if left := leftovers(t, e, s.settings.App); len(left) > 0 {
		t.Errorf("the failed start left %q", left)
	}
}

func TestACancelledStartLeavesNothing(t *testing.T) {
	e := connected(t)
	s := newSite(t, e, `services: {web: {image: "`+debian+`", init: true, command: [sleep, "60"], healthcheck: {test: "exit 1", interval: 30s}}}`)
	rel, err := s.Build(t.Context(), deploy.Blue, s.release(commitA), false, s.log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		eventuallyOr(func() bool { return len(s.idsOrNone()) > 0 })
		cancel()
	}()
	err = s.Start(ctx, deploy.Blue, rel, s.log)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if left := leftovers(t, e, s.settings.App); len(left) > 0 {
		t.Errorf("the cancelled start left %q", left)
	}
}

// idsOrNone and eventuallyOr serve goroutines, which must not end the test.
func (s *site) idsOrNone() []found {
	list, _ := s.engine.containersOf(context.Background(), s.settings.Project(deploy.Blue))
	return list
}

func eventuallyOr(condition func() bool) {
	for deadline := time.Now().Add(10 * time.Second); !condition() && time.Now().Before(deadline); {
		<-time.After(20 * time.Millisecond)
	}
}

func TestATakenPortIsNamed(t *testing.T) {
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
	wants(t, s.Start(t.Context(), deploy.Blue, rel, s.log), "port "+port, "already taken by another program")
	if left := leftovers(t, e, s.settings.App); len(left) > 0 {
		t.Errorf("the failed start left %q", left)
	}

	listener.Close()
	s.up(commitA)
	other := newSite(t, e, file)
	wants(t, other.Check(t.Context(), deploy.Blue, other.release(commitA)), "port "+port, s.settings.Project(deploy.Blue)+"-web-1")
}

func TestReplicasNetworksAndHostAddresses(t *testing.T) {
	e := connected(t)
	s := newSite(t, e, `
services:
  web:
    image: `+redis+`
    command: [redis-server, --save, ""]
    scale: 2
    networks: [default, shared]
    tmpfs: [/data]
    ports: ["127.0.0.1::6379"]
networks: {shared: {external: true, name: "${NET}"}}
`)
	s.write(".env", "NET="+s.settings.App+"-net\n")
	wants(t, s.Check(t.Context(), deploy.Blue, s.release(commitA)), "network "+s.settings.App+"-net does not exist")
	s.write("shared.yml", `
services:
  router: {image: "`+debian+`", init: true, command: [sleep, "300"], networks: [front]}
networks: {front: {name: "${NET}"}}
`)
	if err := s.UpShared(t.Context(), s.log); err != nil {
		t.Fatalf("%v\n%s", err, s.said())
	}
	status := s.up(commitA)
	if len(status.Endpoints) != 2 {
		t.Fatalf("endpoints are %+v", status.Endpoints)
	}
	router := s.SharedContainer("router")
	for _, endpoint := range status.Endpoints {
		host, _, _ := net.SplitHostPort(endpoint.Address)
		// The router shares one of the two networks: it must reach the address, and the service's name.
		for _, target := range []string{host, "web"} {
			if out, err := router.Exec(t.Context(), "bash", "-c", "exec 3<>/dev/tcp/"+target+"/6379; echo PING >&3; head -n1 <&3"); err != nil || !strings.HasPrefix(out, "+PONG") {
				t.Errorf("the router does not reach %s: %q, %v", target, out, err)
			}
		}
	}
	s.settings.Address = AddressHost
	for _, endpoint := range s.observe().Endpoints {
		conn, err := net.DialTimeout("tcp", endpoint.Address, 2*time.Second)
		if err != nil || !strings.HasPrefix(endpoint.Address, "127.0.0.1:") {
			t.Errorf("endpoint %s: %v", endpoint.Address, err)
			continue
		}
		conn.Close()
	}
	check(t, s.StopShared(t.Context(), s.log))
	if !strings.Contains(s.said(), "stays, other containers use it") {
		t.Error("the shared network did not stay for the slice")
	}
}

func TestARecreatedContainerKeepsItsAnonymousVolumes(t *testing.T) {
	e := connected(t)
	file := `services: {web: {image: "` + debian + `", init: true, volumes: [/kept], command: [bash, -c, "echo $$$$ >> /kept/starts; sleep 60"]}}`
	s := newSite(t, e, file)
	s.up(commitA)
	s.write("blue.yml", strings.Replace(file, "sleep 60", "sleep 61", 1))
	s.up(commitB)
	web := &Container{engine: e, project: s.settings.Project(deploy.Blue), service: "web"}
	eventually(t, "the second line in the volume", func() bool {
		out, err := web.Exec(t.Context(), "sh", "-c", "wc -l < /kept/starts")
		return err == nil && out == "2"
	})
	// What inherited a volume holds it by name; it goes with the test.
	i, err := e.inspect(t.Context(), s.ids()["web-1"])
	if err != nil {
		t.Fatal(err)
	}
	check(t, e.discard(t.Context(), i.ID))
	for _, m := range i.Mounts {
		check(t, e.removeVolume(t.Context(), m.Name))
	}
}
