package compose

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/network"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// in returns the running container of a service of blue.
func (s *site) in(service string) *Container {
	return &Container{engine: s.engine, project: s.settings.Project(deploy.Blue), service: service}
}

// reaches waits until the container gets an answer from a redis at that address.
func (s *site) reaches(from, target string) {
	s.t.Helper()
	testkit.Eventually(s.t, "that "+from+" reaches "+target, func() bool {
		out, err := s.in(from).Exec(s.t.Context(), "bash", "-c", "exec 3<>/dev/tcp/"+target+"; echo PING >&3; head -n1 <&3")
		return err == nil && strings.HasPrefix(out, "+PONG")
	})
}

// sleeper and answerer are services that only sleep and that answer at port 6379.
var (
	sleeper  = `image: "` + debian + `", init: true, command: [sleep, "300"]`
	answerer = `image: "` + redis + `", command: [redis-server, --save, ""], tmpfs: [/data]`
)

func TestContainersReachEachOtherByEveryNameAndAddress(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, `
services:
  web: {`+sleeper+`, networks: [fixed], links: ["db:linked"], external_links: ["${OUTSIDE}:partner"], extra_hosts: ["by-file:${SUBNET}.10"], depends_on: [other]}
  db: {`+answerer+`, networks: {fixed: {ipv4_address: "${SUBNET}.10", aliases: [alias], mac_address: "02:42:0a:d5:4d:0a"}, second: }}
  other: {`+answerer+`, container_name: "${OUTSIDE}", networks: [fixed]}
networks:
  fixed: {ipam: {config: [{subnet: "${SUBNET}.0/24"}]}}
  second:
`)
	subnet := fmt.Sprintf("10.%d.%d", 200+rand.IntN(50), rand.IntN(256)) // not that of another run on this machine
	s.write(".env", "OUTSIDE="+s.settings.App+"-outside\nSUBNET="+subnet+"\n")
	s.up(commitA)
	project := s.settings.Project(deploy.Blue)
	for _, name := range []string{"db", "alias", "linked", "db-1", project + "-db-1", subnet + ".10", "by-file", "partner", "other"} {
		s.reaches("web", name+"/6379")
	}
	i, err := e.inspect(t.Context(), s.ids()["db-1"])
	if err != nil || len(i.NetworkSettings.Networks) != 2 {
		t.Fatalf("%+v, %v", i.NetworkSettings, err)
	}
	if got := i.NetworkSettings.Networks[project+"_fixed"].MacAddress; got != "02:42:0a:d5:4d:0a" {
		t.Errorf("the MAC address is %s", got)
	}
	before := s.ids()
	s.up(commitA)
	for name, id := range s.ids() {
		if before[name] != id {
			t.Errorf("%s was made again", name)
		}
	}
}

func TestAnExternalNetworkIsGivenByItsID(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, `services: {web: {`+sleeper+`, networks: {outside: {aliases: [visitor]}}}}
networks: {outside: {external: true, name: "${NET}"}}`)
	made, err := e.client.NetworkCreate(t.Context(), s.settings.App+"-outside", network.CreateOptions{Labels: map[string]string{labelApp: s.settings.App}})
	if err != nil {
		t.Fatal(err)
	}
	s.write(".env", "NET="+made.ID+"\n")
	s.up(commitA)
	i, err := e.inspect(t.Context(), s.ids()["web-1"])
	if n := i.NetworkSettings.Networks[s.settings.App+"-outside"]; err != nil || n == nil || !slices.Contains(n.Aliases, "visitor") {
		t.Errorf("%+v, %v", i.NetworkSettings.Networks, err)
	}
}

func TestRangesOfPortsArePublished(t *testing.T) {
	t.Parallel()
	e := connected(t)
	first := testkit.FreePorts(t, 3)
	s := newSite(t, e, fmt.Sprintf(`services: {web: {%s, scale: 3, ports: ["127.0.0.1:%d-%d:6379"]}}`, answerer, first, first+2))
	s.up(commitA)
	for port := first; port < first+3; port++ {
		conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			t.Error(err)
			continue
		}
		testkit.Must(t, conn.Close())
	}
}

// sharers share all that a container can share with web.
var sharers = `
services:
  web: {` + answerer + `, ipc: shareable, volumes: [/lent]}
  net: {` + sleeper + `, network_mode: "service:web"}
  pid: {image: "` + debian + `", command: [sleep, "300"], pid: "service:web"}
  ipc: {` + sleeper + `, ipc: "service:web"}
  files: {` + sleeper + `, volumes_from: ["web:ro"]}
`

func TestContainersShareNamespacesAndVolumes(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, sharers)
	s.up(commitA)
	s.removeVolumesOf("web-1")
	s.shares()
	before := s.ids()
	t.Run("what is the same is kept", func(t *testing.T) {
		s.up(commitA)
		if after := s.ids(); after["web-1"] != before["web-1"] || after["net-1"] != before["net-1"] || after["files-1"] != before["files-1"] {
			t.Errorf("what is the same was made again: %v became %v", before, after)
		}
	})
	t.Run("what was there comes back when a start fails", func(t *testing.T) {
		s.write("blue.yml", strings.Replace(sharers, "network_mode", "entrypoint: [/nowhere], network_mode", 1))
		rel, err := s.Build(t.Context(), deploy.Blue, s.release(commitB), false, s.log)
		testkit.Must(t, err)
		testkit.ErrorContains(t, s.Start(t.Context(), deploy.Blue, rel, s.log), "net-1")
		for name, id := range s.ids() {
			if before[name] != id {
				t.Errorf("%s did not come back:\n%s", name, s.said())
			}
		}
		s.shares()
	})
	t.Run("another release shares with its own", func(t *testing.T) { // the web container is another one in each release
		s.write("blue.yml", sharers)
		s.up(commitB)
		for name, id := range s.ids() {
			if before[name] == id {
				t.Errorf("%s still refers to the container that is gone", name)
			}
		}
		s.shares()
	})
}

// shares checks that the four see what they share with web.
func (s *site) shares() {
	s.t.Helper()
	s.reaches("net", "127.0.0.1/6379")
	if _, err := s.in("web").Exec(s.t.Context(), "sh", "-c", "echo said > /lent/file; echo memory > /dev/shm/file"); err != nil {
		s.t.Fatal(err)
	}
	for service, command := range map[string]string{
		"pid":   "grep -l redis-server /proc/[0-9]*/cmdline",
		"ipc":   "grep memory /dev/shm/file",
		"files": "grep said /lent/file && ! touch /lent/more",
	} {
		testkit.Eventually(s.t, service+": "+command, func() bool {
			_, err := s.in(service).Exec(s.t.Context(), "sh", "-c", command)
			return err == nil
		})
	}
}

// removeVolumesOf removes the anonymous volumes of a container after the test: a successor holds them by name, so that
// they do not go with it.
func (s *site) removeVolumesOf(name string) {
	s.t.Helper()
	i, err := s.engine.inspect(s.t.Context(), s.ids()[name])
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		sweep(s.t, s.engine, s.settings.App)
		for _, m := range i.Mounts {
			testkit.Must(s.t, s.engine.removeVolume(context.Background(), m.Name))
		}
	})
}
