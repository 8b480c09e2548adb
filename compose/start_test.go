package compose

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// shop is a small application: a web service (redis stands in for it), its database and a job before both.
var shop = `
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
    healthcheck: {test: [CMD, redis-cli, ping], interval: 1s, retries: 20}
    volumes: ["data:/data"]
    stop_grace_period: 3s
  setup:
    image: ` + debian + `
    command: [sh, -c, 'echo "slice $$VERDIGRIS_SLICE release $$VERDIGRIS_RELEASE"']
volumes: {data: }
`

func TestASliceStartsAndStops(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, shop)
	status := s.up(commitA)
	if status.Commit != commitA || len(status.Containers) != 3 {
		t.Errorf("status is %+v", status)
	}
	if len(status.Endpoints) != 1 || !strings.HasSuffix(status.Endpoints[0].Address, ":6379") {
		t.Fatalf("endpoints are %+v", status.Endpoints)
	}
	testkit.Eventually(t, "the endpoint answers", func() bool {
		conn, err := net.DialTimeout("tcp", status.Endpoints[0].Address, 2*time.Second)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})

	t.Run("a second start keeps what is unchanged", s.startsAgain)

	s.said()
	project := s.settings.Project(deploy.Blue)
	testkit.Must(t, s.Stop(t.Context(), deploy.Blue, s.log))
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

// startsAgain starts another release of a shop, of which one service has changed.
func (s *site) startsAgain(t *testing.T) {
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

func TestReplicasNetworksAndHostAddresses(t *testing.T) {
	t.Parallel()
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
	testkit.ErrorContains(t, s.Check(t.Context(), deploy.Blue, s.release(commitA)), "network "+s.settings.App+"-net does not exist")
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
			testkit.Eventually(t, "that the router reaches "+target, func() bool {
				out, err := router.Exec(t.Context(), "bash", "-c", "exec 3<>/dev/tcp/"+target+"/6379; echo PING >&3; head -n1 <&3")
				return err == nil && strings.HasPrefix(out, "+PONG")
			})
		}
	}
	s.settings.Address = AddressHost
	published := s.observe().Endpoints
	if len(published) != 2 {
		t.Errorf("published endpoints are %+v", published)
	}
	for _, endpoint := range published {
		conn, err := net.DialTimeout("tcp", endpoint.Address, 2*time.Second)
		if err != nil || !strings.HasPrefix(endpoint.Address, "127.0.0.1:") {
			t.Errorf("endpoint %s: %v", endpoint.Address, err)
			continue
		}
		conn.Close()
	}
	testkit.Must(t, s.StopShared(t.Context(), s.log))
	if !strings.Contains(s.said(), "stays, other containers use it") {
		t.Error("the shared network did not stay for the slice")
	}
}

func TestARecreatedContainerKeepsItsAnonymousVolumes(t *testing.T) {
	t.Parallel()
	e := connected(t)
	file := `services: {web: {image: "` + debian + `", init: true, network_mode: none, volumes: [/kept], command: [bash, -c, "echo $$$$ >> /kept/starts; sleep 60"]}}`
	s := newSite(t, e, file)
	web := &Container{engine: e, project: s.settings.Project(deploy.Blue), service: "web"}
	lines := func(want string) func() bool {
		return func() bool {
			out, err := web.Exec(t.Context(), "sh", "-c", "wc -l < /kept/starts")
			return err == nil && out == want
		}
	}
	s.up(commitA)
	i, err := e.inspect(t.Context(), s.ids()["web-1"])
	if err != nil || len(i.Mounts) != 1 {
		t.Fatalf("mounts are %+v, %v", i.Mounts, err)
	}
	// The successor holds the volume by name, so that it does not go with the container.
	t.Cleanup(func() {
		sweep(t, e, s.settings.App)
		testkit.Must(t, e.removeVolume(context.Background(), i.Mounts[0].Name))
	})
	testkit.Eventually(t, "the first line in the volume", lines("1"))
	s.write("blue.yml", strings.Replace(file, "sleep 60", "sleep 61", 1))
	s.up(commitB)
	testkit.Eventually(t, "the second line in the volume", lines("2"))
}
