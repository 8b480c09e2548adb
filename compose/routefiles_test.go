package compose

import (
	"maps"
	"net/netip"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// named puts an app's name into files that name its route networks.
func (s *site) named(file string) string { return strings.ReplaceAll(file, "APP", s.settings.App) }

func TestRouteFiles_NetworkThatAFileNames_ChangesNoContainer(t *testing.T) {
	t.Parallel()
	const own, shared = "services: {web: {image: web, networks: [zoo]}}\nnetworks: {zoo: }\n", "services: {router: {image: router, networks: [zoo]}}\nnetworks: {zoo: }\n"
	s := newSite(t, nil, own)
	without := s.mapped(1)
	s.write("blue.yml", s.named(strings.NewReplacer("[zoo]", "{zoo: , verdigris-blue: {priority: -1}}", "{zoo: }", "{zoo: , verdigris-blue: {external: true, name: APP-verdigris-blue}}").Replace(own)))
	with := s.mapped(1)
	if len(with.Networks) != 1 || with.Host.NetworkMode != without.Host.NetworkMode || with.hash(true) != without.hash(true) {
		t.Errorf("the container is made in %s: %+v", with.Host.NetworkMode, with.Networks)
	}
	if use := strings.Join(with.project.networksInUse(), " "); use != "zoo" {
		t.Errorf("the networks to look for are %s", use)
	}

	s.write("shared.yml", s.named(strings.NewReplacer("[zoo]", "[verdigris-blue, zoo, verdigris-green]", "{zoo: }",
		"{zoo: , verdigris-blue: {name: APP-verdigris-blue, internal: true}, verdigris-green: {name: APP-verdigris-green, internal: true}}").Replace(shared)))
	s.write(".env", "")
	p, err := s.loadShared(t.Context())
	testkit.Must(t, err)
	router, err := p.blueprint(p.Services["router"], 1)
	testkit.Must(t, err)
	if len(router.Networks) != 1 || !strings.HasSuffix(router.Networks[0].Network, "_zoo") {
		t.Errorf("the router is made in %+v", router.Networks)
	}
}

func TestRouteFiles_WhatAttachDoesNotDo_IsDoneOrRefused(t *testing.T) {
	t.Parallel()
	const blue = "networks: {verdigris-blue: {external: true, name: APP-verdigris-blue}, own: }\n"
	for name, test := range map[string]struct {
		file     string
		address  AddressMode
		networks int    // that the container of web is made in
		refused  string // a part of the error
	}{
		"no other network":           {"services: {web: {image: web, networks: [verdigris-blue]}}\n" + blue, AddressContainer, 1, ""},
		"the router goes by ports":   {"services: {web: {image: web, ports: ['7000:6379'], networks: [own, verdigris-blue]}}\n" + blue, AddressHost, 2, ""},
		"of the other slice":         {"services: {web: {image: web, networks: [own, other]}}\nnetworks: {own: , other: {external: true, name: APP-verdigris-green}}", AddressContainer, 0, "web containers of green alone"},
		"an address":                 {"services: {web: {image: web, networks: {own: , verdigris-blue: {ipv4_address: 10.1.2.3}}}}\n" + blue, AddressContainer, 0, "verdigris chooses the addresses"},
		"a name":                     {"services: {web: {image: web, networks: {own: , verdigris-blue: {aliases: [www]}}}}\n" + blue, AddressContainer, 0, "nobody has a name there"},
		"both priorities":            {"services: {web: {image: web, networks: {own: {priority: 2}, verdigris-blue: {priority: 1}}}}\n" + blue, AddressContainer, 1, ""},
		"the network of another one": {"services: {web: {image: web, network_mode: 'service:vpn'}, vpn: {image: vpn, networks: [own, verdigris-blue]}}\n" + blue, AddressContainer, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, nil, "")
			s.settings.Address = test.address
			s.write("blue.yml", s.named(test.file))
			p := s.accepted()
			b, err := p.blueprint(p.Services["web"], 1)
			if test.refused != "" {
				testkit.ErrorContains(t, err, test.refused)
				return
			}
			testkit.Must(t, err)
			if len(b.Networks) != test.networks {
				t.Errorf("the container is made in %+v", b.Networks)
			}
			if vpn, ok := p.Services["vpn"]; ok && !p.leftToAttach(vpn, "verdigris-blue") {
				t.Error("vpn is made in the route network")
			}
		})
	}
}

func TestRouteFiles_Staging_IsInNone(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, "")
	s.settings.SliceFiles[deploy.Staging] = []string{"blue.yml"}
	s.write("blue.yml", s.named("services: {web: {image: web, networks: [own, verdigris-blue]}}\nnetworks: {own: , verdigris-blue: {external: true, name: APP-verdigris-blue}}\n"))
	p, err := s.load(deploy.Staging)
	testkit.Must(t, err)
	_, err = p.blueprint(p.Services["web"], 1)
	testkit.ErrorContains(t, err, "web containers of blue alone")
}

// naming is an app whose files name the route networks. Who asks for web by name is a neighbour in the app's own network.
func naming(t *testing.T, e *Engine) *site {
	t.Helper()
	s := newSite(t, e, "")
	s.write("blue.yml", s.named(`
services:
  web:
    image: `+redis+`
    command: [redis-server, --save, ""]
    tmpfs: [/data]
    stop_grace_period: 1s
    networks: {own: {}, verdigris-blue: {priority: -1}}
  neighbour:
    image: `+debian+`
    init: true
    command: [sleep, infinity]
    networks: [own]
networks:
  own: {external: true, name: APP-own}
  verdigris-blue: {external: true, name: APP-verdigris-blue}
`))
	s.write("shared.yml", s.named(`
services:
  router:
    image: `+debian+`
    init: true
    command: [sleep, infinity]
    networks: [own, verdigris-blue, verdigris-green]
networks:
  own: {name: APP-own}
  verdigris-blue: {name: APP-verdigris-blue, internal: true}
  verdigris-green: {name: APP-verdigris-green, internal: true}
`))
	s.write(".env", "")
	return s
}

// verdigrisUp does what the command does.
func (s *site) verdigrisUp() {
	s.t.Helper()
	testkit.Must(s.t, s.Attach(s.t.Context(), s.log))
	testkit.Must(s.t, s.UpShared(s.t.Context(), s.log))
	testkit.Must(s.t, s.Attach(s.t.Context(), s.log))
}

// isOfItsOwn checks that web's default route and its name are those of the app's own network, and the first interface where
// the Engine has an order: 28 starts a container in several networks with their interfaces in any.
func (s *site) isOfItsOwn(when string, inOrder bool) {
	s.t.Helper()
	ids := map[string]string{} // by service: not every Docker Compose gives containers the same names
	list, err := s.engine.containersOf(s.t.Context(), s.settings.Project(deploy.Blue))
	testkit.Must(s.t, err)
	for _, c := range list {
		ids[c.service] = c.id
	}
	web, err := s.engine.inspect(s.t.Context(), ids["web"])
	testkit.Must(s.t, err)
	own := web.NetworkSettings.Networks[s.settings.App+"-own"]
	device := path.Base(path.Dir(testkit.Docker(s.t, "exec", web.ID, "sh", "-c", "grep -l "+own.MacAddress+" /sys/class/net/*/address")))
	routes := testkit.Docker(s.t, "exec", web.ID, "cat", "/proc/net/route")
	if !hasDefaultBy(routes, device) || inOrder && device != "eth0" {
		s.t.Errorf("%s %s is in the own network, and the routes are\n%s", when, device, routes)
	}
	asked := testkit.Docker(s.t, "exec", ids["neighbour"], "getent", "ahostsv4", "web")
	if !strings.HasPrefix(asked, own.IPAddress+" ") || strings.Contains(asked, web.NetworkSettings.Networks[s.settings.RouteNetwork(deploy.Blue)].IPAddress) {
		s.t.Errorf("%s a neighbour finds web at\n%s\nin its own network it has %s", when, asked, own.IPAddress)
	}
}

// hasDefaultBy reports whether the one default route leaves by that interface.
func hasDefaultBy(routes, device string) bool {
	var by []string
	for line := range strings.Lines(routes) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[1] == "00000000" {
			by = append(by, fields[0])
		}
	}
	return len(by) == 1 && by[0] == device
}

// endsAtItsPlace checks that web-1 is where the router is to find it, for good.
func (s *site) endsAtItsPlace(when string) {
	s.t.Helper()
	want := routeSubnet(s.network().subnet).place(1).String()
	if got := slices.Collect(maps.Values(s.places())); !slices.Equal(got, []string{want}) {
		s.t.Errorf("%s the places are %v, want %s", when, got, want)
	}
	if again := s.attach(); again != "" {
		s.t.Errorf("%s there is left to do: %s", when, again)
	}
}

func TestRouteFiles_SiteOfDockerCompose_IsTakenOverAndGivenBack(t *testing.T) {
	t.Parallel()
	e := connected(t)
	for i, client := range newSite(t, nil, shop).composeClients()[:2] {
		t.Run(client.name, func(t *testing.T) {
			t.Parallel()
			s := naming(t, e)
			client := s.composeClients()[i]
			inOrder := olderThan(e.api(), endpointAPI)
			sums := client.name == withTheFile // as we do; docker-compose 1.29 has another hash, and other names
			shared := composed{s, t, client, s.settings.SharedProject(), s.dir + "/shared.yml"}
			slice := composed{s, t, client, s.settings.Project(deploy.Blue), s.dir + "/blue.yml"}
			defer shared.run("down", "--timeout", "1")
			defer slice.run("down", "--timeout", "1")
			shared.up()
			slice.up()
			s.isOfItsOwn("by Docker Compose alone", inOrder)
			router := shared.ids()["router"]
			s.verdigrisUp()
			if now := shared.ids()["router"]; sums && now != router {
				t.Errorf("verdigris up made another router")
			}
			if now := s.observe(); len(now.Endpoints) != 1 {
				t.Errorf("the router reaches %+v", now.Endpoints)
			}

			s.up(commitA)
			s.attach()
			s.endsAtItsPlace("after a start")
			s.isOfItsOwn("after a start", inOrder)

			ids, router := slice.ids(), shared.ids()["router"]
			shared.up()
			slice.up()
			if now := slice.ids(); sums && !maps.Equal(now, ids) || sums && shared.ids()["router"] != router {
				t.Errorf("docker compose up made other containers")
			}
			s.attach()
			s.endsAtItsPlace("by Docker Compose again")
			s.isOfItsOwn("by Docker Compose again", inOrder)
		})
	}
}

func TestRouteFiles_SiteOfVerdigris_IsLeftAloneByDockerCompose(t *testing.T) {
	t.Parallel()
	s := naming(t, connected(t))
	s.verdigrisUp()
	s.up(commitA)
	s.attach()
	s.isOfItsOwn("started here", true)
	plugin := s.composeClients()[1]
	shared := composed{s, t, plugin, s.settings.SharedProject(), s.dir + "/shared.yml"}
	slice := composed{s, t, plugin, s.settings.Project(deploy.Blue), s.dir + "/blue.yml"}
	for _, c := range []composed{shared, slice} {
		ids := c.ids()
		said := c.up()
		if now := c.ids(); !maps.Equal(now, ids) {
			t.Errorf("docker compose up made other containers:\n%s", said)
		}
	}
	s.endsAtItsPlace("after docker compose up")

	slice.run("down", "--timeout", "1")
	shared.run("down", "--timeout", "1")
	if left := leftovers(t, s.engine, s.settings.App); len(left) != 0 {
		t.Errorf("docker compose down left %q", left)
	}
}

// byCompose makes blue's route network as Docker Compose does from files that name it, and returns its id.
func (s *site) byCompose() string {
	s.t.Helper()
	id, err := s.engine.createNetwork(s.t.Context(), s.settings.RouteNetwork(deploy.Blue), network.CreateOptions{Driver: "bridge", Internal: true, Labels: map[string]string{
		labelProject: s.settings.SharedProject(), labelNetwork: "verdigris-blue", labelVersion: "2.40.3", labelApp: s.settings.App, // by which the test finds it
	}})
	testkit.Must(s.t, err)
	return id
}

func TestRouteRenew_NetworkWithoutPlaces(t *testing.T) {
	t.Parallel()
	e := connected(t)
	for name, test := range map[string]struct {
		before  func(s *site) // what happens while the network is there
		do      func(s *site)
		renewed bool
	}{
		"the router alone is in it": {func(*site) {}, (*site).verdigrisUp, true},
		"a web container runs":      {func(s *site) { s.up(commitA); s.attach() }, (*site).verdigrisUp, true}, // by its start
		"a web container is down":   {func(s *site) { s.withoutPlaces(); s.stopAll() }, (*site).verdigrisUp, true},
		"one may be live":           {(*site).withoutPlaces, (*site).verdigrisUp, false},
		"its slice is started":      {(*site).withoutPlaces, func(s *site) { s.up(commitA); s.attach() }, true},
		"somebody else is in it":    {(*site).visited, (*site).verdigrisUp, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := routed(t, e)
			s.byCompose()
			s.attach()
			test.before(s)
			router := s.router()
			test.do(s)
			all, err := s.engine.listNetworks(t.Context(), "")
			testkit.Must(t, err)
			n, err := s.routeNetwork(all, deploy.Blue)
			testkit.Must(t, err)
			if n.subnet.IsValid() != test.renewed {
				t.Errorf("the network is %+v", n)
			}
			for container, address := range s.places() {
				at := netip.MustParseAddr(address)
				if test.renewed && routeSubnet(n.subnet).dynamic().Contains(at) || !s.hasRouter(n.id) {
					t.Errorf("%s is at %s, the router's networks are %v", container, at, s.routerNetworkIDs())
				}
			}
			if s.router() != router || !s.hasRouter(n.id) {
				t.Errorf("the router was %s and is %s in %v", router, s.router(), s.routerNetworkIDs())
			}
		})
	}
}

// As verdigris up does beside the daemon, which looks as soon as a network goes.
func TestRouteRenew_BesideAttach_MakesOneNetwork(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := routed(t, e)
	s.byCompose()
	s.attach()
	other := New(e, s.settings)
	failed := make(chan error)
	go func() { failed <- other.UpShared(t.Context(), s.log) }()
	for done := false; !done; {
		testkit.Must(t, s.Attach(t.Context(), s.log))
		select {
		case err := <-failed:
			testkit.Must(t, err)
			done = true
		default:
		}
	}
	all, err := e.listNetworks(t.Context(), s.settings.RouteNetwork(deploy.Blue))
	testkit.Must(t, err)
	if len(all) != 1 || !s.network().subnet.IsValid() {
		t.Errorf("the networks are %+v", all)
	}
}

// withoutPlaces has web containers run in a network without places, as Docker Compose may have started them: verdigris itself
// would put another network in its place.
func (s *site) withoutPlaces() {
	s.t.Helper()
	all, err := s.engine.listNetworks(s.t.Context(), s.settings.RouteNetwork(deploy.Blue))
	testkit.Must(s.t, err)
	for _, n := range all {
		for _, c := range []string{s.router()} {
			testkit.Must(s.t, s.engine.client.NetworkDisconnect(s.t.Context(), n.ID, c, true))
		}
		testkit.Must(s.t, s.engine.removeNetwork(s.t.Context(), n.ID))
	}
	s.up(commitA)
	s.byCompose()
	s.attach()
}

// visited has a container of somebody else's in the network.
func (s *site) visited() {
	s.t.Helper()
	made, err := s.engine.client.ContainerCreate(s.t.Context(), &container.Config{Image: debian, Labels: map[string]string{labelApp: s.settings.App}}, nil,
		&network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{s.settings.RouteNetwork(deploy.Blue): {}}}, nil, s.settings.App+"-visitor")
	testkit.Must(s.t, err)
	s.start(made.ID)
}

func (s *site) routerNetworkIDs() []string {
	s.t.Helper()
	shared, err := s.engine.containersOf(s.t.Context(), s.settings.SharedProject())
	testkit.Must(s.t, err)
	return shared[0].networks
}

func (s *site) hasRouter(network string) bool {
	s.t.Helper()
	return strings.Contains(strings.Join(s.routerNetworkIDs(), " "), network)
}
