package compose

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// wayBack is a slice in which much can be in the way of what comes back: a name, a port and an address that only one
// container can have, volumes, and a service that the next release no longer has.
var wayBack = `
services:
  web:
    image: ` + redis + `
    command: [redis-server, --save, ""]
    environment: {HOST: "${HOST}"}
    container_name: ${NAME}
    ports: ["127.0.0.1:${PORT}:6379"]
    networks: {fixed: {ipv4_address: 10.213.78.10}}
    volumes: [/data, "named:/named"]
    restart: on-failure:3
    depends_on: [db]
  db: {image: "` + redis + `", command: [redis-server, --save, ""], tmpfs: [/data], networks: [fixed], restart: always}
  beside: {image: "` + redis + `", command: [redis-server, --save, ""], tmpfs: [/data], networks: [fixed], depends_on: {web: {condition: service_started, restart: true}}}
  setup: {image: "` + debian + `", command: ["true"], environment: {HOST: "${HOST}"}}
  mail: {image: "` + debian + `", init: true, command: [sleep, "300"], environment: {HOST: "${HOST}"}, labels: {verdigris.role: worker}, restart: always}
OLD
networks: {fixed: {ipam: {config: [{subnet: 10.213.78.0/24}]}}}
volumes: {named: }
`

const oldService = `  old: {image: "${REDIS}", command: [redis-server, --save, ""], tmpfs: [/data], networks: [fixed], restart: unless-stopped}`

// newWayBack runs release A of a wayBack, made by deployment 1.
func newWayBack(t *testing.T) *site {
	t.Helper()
	s := newSite(t, connected(t), "")
	s.write("blue.yml", strings.Replace(wayBack, "OLD", strings.Replace(oldService, "${REDIS}", redis, 1), 1))
	s.settings.EnvFiles = []string{"way.env"}
	s.write("way.env", "HOST=good\nNAME="+s.settings.App+"-front\nPORT="+strconv.Itoa(testkit.FreePort(t))+"\n")
	s.begin(commitA, 1)
	return s
}

// spoil makes another release of it, with another environment and without a service.
func (s *site) spoil() {
	s.t.Helper()
	s.write("blue.yml", strings.Replace(wayBack, "OLD", "", 1))
	s.write("way.env", strings.Replace(testkit.Read(s.t, s.dir+"/way.env"), "good", "bad", 1))
}

// portrait is what a container is, as far as a revert has to bring it back.
type portrait struct {
	id, state string
	env       []string
	policy    string
}

// portraits are those of blue's containers by name.
func (s *site) portraits() map[string]portrait {
	s.t.Helper()
	containers, err := s.engine.containersOf(s.t.Context(), s.settings.Project(deploy.Blue))
	testkit.Must(s.t, err)
	all := map[string]portrait{}
	for _, c := range containers {
		i, err := s.engine.inspect(s.t.Context(), c.id)
		testkit.Must(s.t, err)
		all[c.name] = portrait{c.id, c.state, i.Config.Env, writePolicy(i.HostConfig.RestartPolicy, ":")}
	}
	return all
}

// same fails the test unless the containers are what they were.
func (s *site) same(when string, before map[string]portrait) {
	s.t.Helper()
	now := s.portraits()
	for name, want := range before {
		if got := now[name]; got.id != want.id || got.state != want.state || got.policy != want.policy || !slices.Equal(got.env, want.env) {
			s.t.Errorf("%s %s is %+v, it was %+v", when, name, got, want)
		}
	}
	if len(now) != len(before) {
		s.t.Errorf("%s there are %v, there were %v", when, slices.Sorted(maps.Keys(now)), slices.Sorted(maps.Keys(before)))
	}
}

func TestRuntime_Reverted_BringsBackWhatRan(t *testing.T) {
	t.Parallel()
	s := newWayBack(t)
	before, front := s.portraits(), s.settings.App+"-front"
	testkit.Docker(s.t, "exec", front, "redis-cli", "set", "key", "value")
	testkit.Docker(s.t, "exec", front, "redis-cli", "save")
	s.spoil()
	s.begin(commitB, 2)
	if got := testkit.Docker(s.t, "exec", front, "sh", "-c", "echo $HOST"); got != "bad" {
		t.Fatalf("the next release has %q", got)
	}
	if status := s.observe(); status.Commit != commitB || len(status.SetAside) != 4 { // web, setup, mail and old
		t.Errorf("before the revert it is %+v", status)
	}
	testkit.Must(t, s.Revert(t.Context(), deploy.Blue, 2, s.log))
	s.same("after the revert", before)
	if status := s.observe(); status.Commit != commitA || !status.Running() || len(status.SetAside) != 0 {
		t.Errorf("after the revert it is %+v", status)
	}
	if got := testkit.Docker(s.t, "exec", front, "redis-cli", "get", "key"); got != "value" {
		t.Errorf("the data is %q", got)
	}
	testkit.Must(t, s.Revert(t.Context(), deploy.Blue, 2, s.log))
	testkit.Must(t, s.Discard(t.Context(), deploy.Blue, s.log))
	s.same("after a second one", before)
}

func TestRuntime_StartCutOff_CanBeReverted(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"replace ", "stopped ", "run ", "greetings"} {
		s := newSite(t, connected(t), prepared)
		s.begin(commitA, 1)
		before := s.portraits()
		s.cutOff(commitB, line)
		testkit.Must(t, s.Revert(t.Context(), deploy.Blue, 2, s.log))
		s.same("cut off at "+line, before)
		if left := leftovers(t, s.engine, s.settings.App); len(left) != 2 { // web and its network
			t.Errorf("cut off at %s, left are %q", line, left)
		}
	}
}

func TestRuntime_RevertCutOff_CanBeRepeated(t *testing.T) {
	t.Parallel()
	s := newSite(t, connected(t), greeter)
	s.begin(commitA, 1)
	before := s.portraits()
	s.begin(commitB, 2)
	for _, line := range []string{"stopped ", "bring back ", "greetings"} {
		ctx, cancel := context.WithCancel(t.Context())
		err := s.Revert(ctx, deploy.Blue, 2, func(said string, _ ...deploy.Step) {
			if strings.Contains(said, line) {
				cancel()
			}
		})
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cut off at %s: %v", line, err)
		}
	}
	testkit.Must(t, s.Revert(t.Context(), deploy.Blue, 2, s.log))
	s.same("in the end", before)
}

func TestRuntime_Discarded_LeavesTheReleaseThatRuns(t *testing.T) {
	t.Parallel()
	s := newSite(t, connected(t), greeter)
	s.begin(commitA, 1)
	s.begin(commitB, 2)
	before := s.portraits()
	maps.DeleteFunc(before, func(name string, _ portrait) bool { return strings.HasSuffix(name, asideSuffix) })
	testkit.Must(t, s.Discard(t.Context(), deploy.Blue, s.log))
	s.same("after the discard", before)
}

func TestRuntime_FirstReleaseReverted_LeavesVolumesAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t, connected(t), strings.Replace(greeter, "tmpfs: [/data]", `volumes: ["data:/data"]`, 1)+"volumes: {data: }\n")
	s.begin(commitA, 1)
	testkit.Must(t, s.Revert(t.Context(), deploy.Blue, 1, s.log))
	want := []string{"volume " + s.settings.Project(deploy.Blue) + "_data"}
	if left := leftovers(t, s.engine, s.settings.App); !slices.Equal(left, want) {
		t.Errorf("left are %q, want %q", left, want)
	}
}
