package compose

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// prepared is a greeter before whose start a hook runs.
var prepared = greeter + `    pre_start: [{command: [echo, ready]}]
`

func TestAside_NameHoldsWhatTheContainerWas(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ran    bool
		policy container.RestartPolicy
		want   string
	}{
		{true, container.RestartPolicy{Name: "always"}, "shop-blue-web-1-0123456789ab-running.always-replaced"},
		{true, container.RestartPolicy{Name: "on-failure", MaximumRetryCount: 3}, "shop-blue-web-1-0123456789ab-running.on-failure.3-replaced"},
		{false, container.RestartPolicy{}, "shop-blue-web-1-0123456789ab-ended-replaced"},
	} {
		f := found{id: "0123456789abcdef", name: "shop-blue-web-1"}
		put := aside{found: f, ran: c.ran, policy: c.policy}
		if got := put.asideName(); got != c.want {
			t.Errorf("the name is %s, want %s", got, c.want)
		}
		f.name = put.asideName()
		got, ok := f.aside()
		if !ok || got.name != "shop-blue-web-1" || got.ran != c.ran || got.policy != c.policy {
			t.Errorf("read from %s: %v %+v", f.name, ok, got)
		}
	}
	for _, name := range []string{"web-replaced", "web-0123456789ab-replaced", "web-ba9876543210-running-replaced", "web-0123456789ab-running"} {
		if (found{id: "0123456789abcdef", name: name}).setAside() {
			t.Errorf("%s counts as set aside", name)
		}
	}
}

// restartEngine does with the site's containers what an Engine does that dies and is started again: all die, and those start
// that have run before and whose restart policy says so. (moby, daemon.restore and restartmanager.ShouldRestart.)
func (s *site) restartEngine() {
	s.t.Helper()
	ctx := s.t.Context()
	containers, err := s.engine.list(ctx, filters.NewArgs(filters.Arg("label", labelApp+"="+s.settings.App)))
	testkit.Must(s.t, err)
	for _, c := range containers {
		if c.running() {
			testkit.Must(s.t, s.engine.client.ContainerKill(ctx, c.id, "KILL"))
		}
	}
	for _, c := range containers {
		i, err := s.engine.inspect(ctx, c.id)
		testkit.Must(s.t, err)
		policy, hasRun := i.HostConfig.RestartPolicy, !strings.HasPrefix(i.State.StartedAt, "0001")
		wanted := policy.IsAlways() || policy.IsUnlessStopped() && c.running() || policy.IsOnFailure() && i.State.ExitCode != 0
		if hasRun && wanted {
			testkit.Must(s.t, s.engine.startContainer(ctx, c.id, c.name))
		}
	}
}

// runningReleases names the releases of blue's containers that run.
func (s *site) runningReleases() string {
	s.t.Helper()
	containers, err := s.engine.containersOf(s.t.Context(), s.settings.Project(deploy.Blue))
	testkit.Must(s.t, err)
	var releases []string
	for _, c := range containers {
		if c.running() {
			releases = append(releases, commitOf(c.labels).Short())
		}
	}
	return strings.Join(releases, " ")
}

func TestStart_CutOffAndEngineRestarted_NeverRunsBoth(t *testing.T) {
	t.Parallel()
	e := connected(t)
	for _, c := range []struct{ when, line, runs string }{
		{"before the old container is stopped", "replace ", commitA.Short()},
		{"before the old container loses its policy", "stopped ", commitA.Short()},
		{"before the new container is started", "run ", ""},
		{"when the new container runs", "greetings", commitB.Short()},
	} {
		s := newSite(t, e, prepared)
		s.up(commitA)
		s.cutOff(commitB, c.line)
		s.restartEngine()
		if got := s.runningReleases(); got != c.runs {
			t.Errorf("cut off %s, then %q runs, want %q", c.when, got, c.runs)
		}
	}
}

func TestStart_Fails_GivesBackTheRestartPolicies(t *testing.T) {
	t.Parallel()
	s := newSite(t, connected(t), strings.Replace(greeter, "restart: always", "restart: on-failure:3", 1))
	s.up(commitA)
	before := s.ids()
	s.write("blue.yml", strings.Replace(greeter, "[echo, greetings]", "['false']", 1))
	testkit.ErrorContains(t, s.Start(t.Context(), deploy.Blue, s.release(commitB), s.log), "exited with status 1")
	now, err := s.engine.inspect(t.Context(), before["web-1"])
	testkit.Must(t, err)
	if want := (container.RestartPolicy{Name: "on-failure", MaximumRetryCount: 3}); now.HostConfig.RestartPolicy != want || !now.State.Running {
		t.Errorf("it is %s with %+v", now.State.Status, now.HostConfig.RestartPolicy)
	}
	if now.Name != "/"+s.settings.Project(deploy.Blue)+"-web-1" {
		t.Errorf("it is called %s", now.Name)
	}
}

// A name may go from a service that is gone to another one.
func TestStart_NameOfARemovedService_IsFree(t *testing.T) {
	t.Parallel()
	s := newSite(t, connected(t), "")
	name := s.settings.App + "-named"
	file := strings.ReplaceAll(`
services:
  web: {image: "`+redis+`", tmpfs: [/data], command: [redis-server, --save, ""]}
  old: {image: "`+redis+`", tmpfs: [/data], command: [redis-server, --save, ""], container_name: NAME}
`, "NAME", name)
	s.write("blue.yml", file)
	s.up(commitA)
	s.write("blue.yml", strings.Replace(file, "  old:", "  new:", 1))
	s.up(commitA)
	if got := testkit.Docker(s.t, "inspect", "-f", `{{index .Config.Labels "com.docker.compose.service"}} {{.State.Status}}`, name); got != "new running" {
		t.Errorf("the name belongs to %s", got)
	}
}

// members are the names of the containers that are in blue's route network, of whatever state, without the app's.
func (s *site) members() string {
	s.t.Helper()
	containers, err := s.engine.list(s.t.Context(), filters.NewArgs(filters.Arg("network", s.settings.RouteNetwork(deploy.Blue))))
	testkit.Must(s.t, err)
	var names []string
	for _, c := range containers {
		names = append(names, strings.TrimPrefix(c.name, s.settings.App+"-"))
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func TestAside_WebContainers_LeaveTheRouteNetworkAndComeBackToTheirPlaces(t *testing.T) {
	t.Parallel()
	s := routed(t, connected(t))
	s.begin(commitA, 1)
	s.attach()
	ids := s.ids()
	atTheirPlaces := func(when string) {
		t.Helper()
		subnet := routeSubnet(s.network().subnet)
		want := map[string]string{"web-1": subnet.place(1).String(), "web-2": subnet.place(2).String()}
		if now := s.places(); !maps.Equal(now, want) {
			t.Errorf("%s the places are %v, want %v", when, now, want)
		}
	}
	back := func(when string) {
		t.Helper()
		if now := s.ids(); !maps.Equal(now, ids) {
			t.Errorf("%s the containers are %v, were %v", when, now, ids)
		}
		atTheirPlaces(when)
		if again := s.attach(); again != "" {
			t.Errorf("%s there is left to do: %s", when, again)
		}
	}

	s.begin(commitB, 2)
	if got := s.members(); got != "shared-router-1" {
		t.Errorf("before the new containers are joined, in the network are %s", got)
	}
	s.attach()
	if got := s.members(); got != "blue-web-1 blue-web-2 shared-router-1" {
		t.Errorf("in the network are %s", got)
	}
	atTheirPlaces("after the start")
	testkit.Must(t, s.Revert(t.Context(), deploy.Blue, 2, s.log))
	back("after the revert")

	// The network is another one when they come back.
	s.begin(commitB, 3)
	s.attach()
	n := s.network()
	for _, id := range []string{s.router(), s.ids()["web-1"], s.ids()["web-2"]} {
		testkit.Must(t, s.engine.client.NetworkDisconnect(t.Context(), n.id, id, true))
	}
	testkit.Must(t, s.engine.removeNetwork(t.Context(), n.id))
	s.attach()
	testkit.Must(t, s.Revert(t.Context(), deploy.Blue, 3, s.log))
	back("after the revert into another network")

	broken := testkit.Read(t, s.dir+"/blue.yml")
	s.write("blue.yml", strings.Replace(broken, `[redis-server, --save, ""]`, `["false"]`, 1))
	testkit.ErrorContains(t, s.Start(t.Context(), deploy.Blue, s.release(commitB), s.log), "exited with status 1")
	back("after a start that failed")
}
