package compose

import (
	"encoding/json"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// routed is an app with a router and three web containers, none of which has a network with the router.
func routed(t *testing.T, e *Engine) *site {
	t.Helper()
	s := newSite(t, e, `
services:
  web:
    image: `+redis+`
    command: [redis-server, --save, ""]
    scale: 2
    stop_grace_period: 1s
`)
	s.write("shared.yml", `
services:
  router:
    image: `+debian+`
    command: [sleep, infinity]
    stop_grace_period: 1s
`)
	s.write(".env", "")
	testkit.Must(t, s.UpShared(t.Context(), s.log))
	return s
}

// places are the addresses of blue's web containers as the router goes by them, and their containers.
func (s *site) places() map[string]string {
	s.t.Helper()
	out := map[string]string{}
	for _, e := range s.observe().Endpoints {
		host, _, err := net.SplitHostPort(e.Address)
		testkit.Must(s.t, err)
		out[strings.TrimPrefix(e.Container, s.settings.Project(deploy.Blue)+"-")] = host
	}
	return out
}

// attach attaches and returns what it said.
func (s *site) attach() string {
	s.t.Helper()
	s.said()
	testkit.Must(s.t, s.Attach(s.t.Context(), s.log))
	return s.said()
}

func TestAttach(t *testing.T) {
	s := routed(t, connected(t))
	s.up(commitA)
	for _, test := range []struct {
		name string
		do   func(t *testing.T, s *site)
	}{
		{"SliceThatRuns_GetsPlacesThatOutlastRestartsInAnyOrder", slicesGetPlaces},
		{"RouteNetwork_HasTheRouterAndOneSlicesWebContainersAlone", routeNetworksAreApart},
		{"AfterADisconnect_ConnectsAtTheSamePlace", disconnectedComeBack},
		{"AddressFromTheEnginesHalf_IsExchangedForThePlace", strayAddressesAreExchanged},
		{"NetworkGoneWhileTheSliceWasDown_IsMadeAgainAndTheSliceStarts", goneNetworksComeBack},
	} {
		t.Run(test.name, func(t *testing.T) {
			s.t = t
			test.do(t, s)
		})
	}
}

// own is what a container has of its own network: the first interface, the default route, its name server and the address
// of its name.
func (s *site) own(id string) string {
	s.t.Helper()
	c := &Container{engine: s.engine, project: s.settings.Project(deploy.Blue), service: "web"}
	var out strings.Builder
	verb := "awk '$2 == \"00000000\"' /proc/net/route; cat /sys/class/net/eth0/address /etc/resolv.conf; getent ahostsv4 $(hostname) | head -n 1"
	_, err := c.engine.exec(s.t.Context(), id, container.ExecOptions{Cmd: []string{"sh", "-c", verb}}, &out, &out)
	testkit.Must(s.t, err)
	return out.String()
}

// network is blue's route network.
func (s *site) network() routeNetwork {
	s.t.Helper()
	all, err := s.engine.listNetworks(s.t.Context(), "")
	testkit.Must(s.t, err)
	n, err := s.routeNetwork(all, deploy.Blue)
	testkit.Must(s.t, err)
	if n == nil || !n.subnet.IsValid() {
		s.t.Fatalf("blue's network is %+v", n)
	}
	return *n
}

func slicesGetPlaces(t *testing.T, s *site) {
	ids := s.ids()
	before := map[string]string{}
	for _, id := range ids {
		before[id] = s.own(id)
	}
	s.attach()
	if again := s.attach(); again != "" {
		t.Errorf("what was done is done again: %s", again)
	}
	places, subnet := s.places(), routeSubnet(s.network().subnet)
	if want := map[string]string{"web-1": subnet.place(1).String(), "web-2": subnet.place(2).String()}; !maps.Equal(places, want) {
		t.Errorf("the places are %v, want %v", places, want)
	}
	if now := s.ids(); !maps.Equal(now, ids) {
		t.Errorf("the containers were %v and are %v", ids, now)
	}
	for name, id := range ids {
		if now := s.own(id); now != before[id] {
			t.Errorf("in %s was, and is:\n%s\n%s", name, before[id], now)
		}
	}
	if out, err := s.in("web").Exec(t.Context(), "redis-cli", "-h", places["web-2"], "ping"); err != nil || out != "PONG" {
		t.Errorf("no answer in the network: %s, %v", out, err)
	}
	s.stopAll()
	s.start(ids["web-2"], ids["web-1"])
	if now := s.places(); !maps.Equal(now, places) {
		t.Errorf("after restarts in another order the places are %v, were %v", now, places)
	}
}

func routeNetworksAreApart(t *testing.T, s *site) {
	for slice, want := range map[deploy.Slice]string{deploy.Blue: "blue-web-1 blue-web-2 shared-router-1", deploy.Green: "shared-router-1"} {
		n, err := s.engine.inspectNetwork(t.Context(), s.settings.RouteNetwork(slice))
		testkit.Must(t, err)
		if !n.Internal || n.Labels[labelProject] != s.settings.SharedProject() || n.Labels[labelApp] != s.settings.App || n.Labels[labelDir] != s.settings.Dir {
			text, _ := json.Marshal(n)
			t.Errorf("network of %s: %s", slice, text)
		}
		var members []string
		for _, c := range n.Containers {
			members = append(members, strings.TrimPrefix(c.Name, s.settings.App+"-"))
		}
		slices.Sort(members)
		if got := strings.Join(members, " "); got != want {
			t.Errorf("in the network of %s are %q, want %q", slice, got, want)
		}
	}
}

func disconnectedComeBack(t *testing.T, s *site) {
	places, n := s.places(), s.network()
	for _, id := range []string{s.ids()["web-1"], s.router()} {
		testkit.Must(t, s.engine.client.NetworkDisconnect(t.Context(), n.id, id, true))
	}
	if now := s.places(); len(now) != 1 || now["web-2"] != places["web-2"] {
		t.Errorf("the router is said to reach %v", now)
	}
	s.attach()
	if now := s.places(); !maps.Equal(now, places) {
		t.Errorf("the places are %v, were %v", now, places)
	}
	routeNetworksAreApart(t, s)
}

func strayAddressesAreExchanged(t *testing.T, s *site) {
	places, n, id := s.places(), s.network(), s.ids()["web-2"]
	testkit.Must(t, s.engine.client.NetworkDisconnect(t.Context(), n.id, id, true))
	testkit.Must(t, s.engine.client.NetworkConnect(t.Context(), n.id, id, &network.EndpointSettings{}))
	if now := s.places()["web-2"]; !routeSubnet(n.subnet).dynamic().Contains(netip.MustParseAddr(now)) {
		t.Errorf("the engine gave out %s, which is a place", now)
	}
	s.attach()
	if now := s.places(); !maps.Equal(now, places) {
		t.Errorf("the places are %v, were %v", now, places)
	}
}

func goneNetworksComeBack(t *testing.T, s *site) {
	places, n, ids := s.places(), s.network(), s.ids()
	s.stopAll()
	testkit.Must(t, s.engine.client.NetworkDisconnect(t.Context(), n.id, s.router(), true))
	testkit.Must(t, s.engine.client.NetworkRemove(t.Context(), n.id))
	s.attach()
	s.start(ids["web-1"], ids["web-2"])
	if now := s.places(); !maps.Equal(now, places) {
		t.Errorf("the places are %v, were %v", now, places)
	}
	if again := s.attach(); again != "" {
		t.Errorf("after the start there was left to do: %s", again)
	}
}

// router is the id of the router's container.
func (s *site) router() string {
	s.t.Helper()
	shared, err := s.engine.containersOf(s.t.Context(), s.settings.SharedProject())
	testkit.Must(s.t, err)
	return shared[0].id
}

// stopAll stops blue's containers, and start starts containers, as somebody else would.
func (s *site) stopAll() {
	s.t.Helper()
	now := 0
	for _, id := range s.ids() {
		testkit.Must(s.t, s.engine.client.ContainerStop(s.t.Context(), id, container.StopOptions{Timeout: &now}))
	}
}

func (s *site) start(ids ...string) {
	s.t.Helper()
	for _, id := range ids {
		testkit.Must(s.t, s.engine.client.ContainerStart(s.t.Context(), id, container.StartOptions{}))
	}
}

func TestAttach_NoRangeOfThePoolIsFree_SaysWhatToDo(t *testing.T) {
	s := newSite(t, connected(t), shop)
	random := testkit.Random(t)
	first := netip.AddrFrom4([4]byte{10, byte(128 + random.IntN(64)), byte(random.IntN(256)), 0})
	s.settings.Pool = netip.PrefixFrom(first, routeBits) // room for one of the two networks
	testkit.ErrorContains(t, s.Attach(t.Context(), s.log), "network_pool "+s.settings.Pool.String())
	if n := s.network(); n.subnet != s.settings.Pool {
		t.Errorf("blue's network has %s", n.subnet)
	}
}

func TestAttach_NetworkOfAnotherDirectory_IsRefused(t *testing.T) {
	e := connected(t)
	s := newSite(t, e, shop)
	s.attach()
	other := New(e, s.settings)
	other.settings.Dir = t.TempDir()
	testkit.ErrorContains(t, other.Attach(t.Context(), s.log), "belongs to the verdigris.yml in "+s.settings.Dir)
}

// As by verdigris up beside verdigris serve. Of two in one process, only the engine stands between them too.
func TestAttach_FromSeveralProcessesAtOnce_AllSucceed(t *testing.T) {
	s := routed(t, connected(t))
	s.up(commitA)
	failed := make(chan error, 4)
	for range cap(failed) {
		other := New(connected(t), s.settings)
		go func() { failed <- other.Attach(t.Context(), s.log) }()
	}
	for range cap(failed) {
		testkit.Must(t, <-failed)
	}
	if again := s.attach(); again != "" {
		t.Errorf("there was left to do: %s", again)
	}
	routeNetworksAreApart(t, s)
}
