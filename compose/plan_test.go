package compose

import (
	"reflect"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/volume"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

const threeServices = `
services:
  web:
    image: web
    scale: 2
    depends_on:
      db: {condition: service_healthy}
      init: {condition: service_completed_successfully}
  db: {image: db, volumes: ["data:/data"]}
  init: {image: init, depends_on: [db]}
volumes: {data: }
`

var someImages = map[string]image{
	"web": {id: "sha256:web", ref: "web"}, "db": {id: "sha256:db", ref: "db"}, "init": {id: "sha256:init", ref: "init"},
}

// planOf plans blue and writes the plan with APP in place of the app's name.
func (s *site) planOf(commit deploy.Commit, seen observation, images map[string]image) (string, error) {
	s.t.Helper()
	p, err := s.loadSlice(s.t.Context(), deploy.Blue, s.release(commit))
	if err != nil {
		s.t.Fatal(err)
	}
	pl, err := newPlan(p, seen, images)
	if err != nil {
		return "", err
	}
	return strings.ReplaceAll(pl.String(), s.settings.App, "APP"), nil
}

// running is the observation of an engine where the plan for the release has been carried out.
func (s *site) running(commit deploy.Commit, images map[string]image) observation {
	s.t.Helper()
	p, err := s.loadSlice(s.t.Context(), deploy.Blue, s.release(commit))
	if err != nil {
		s.t.Fatal(err)
	}
	pl, err := newPlan(p, observation{}, images)
	if err != nil {
		s.t.Fatal(err)
	}
	seen := observation{volumes: map[string]volume.Volume{}}
	for _, key := range pl.networks {
		name := p.Networks[key].Name
		seen.networks = append(seen.networks, foundNetwork{"id of " + name, name, p.networkOptions(key).Labels})
	}
	for _, key := range pl.volumes {
		o := p.volumeOptions(key)
		seen.volumes[o.Name] = volume.Volume{Name: o.Name, Driver: "local", Options: o.DriverOpts, Labels: o.Labels}
	}
	first := map[string]string{}
	for _, level := range pl.levels {
		for _, sp := range level {
			for i, a := range sp.actions {
				testkit.Must(s.t, a.blueprint.resolve(sp.service, first))
				if i == 0 {
					first[sp.service.Name] = a.name
				}
				labels := a.blueprint.Config.Labels
				var joined []string
				for _, n := range a.blueprint.Networks {
					joined = append(joined, "id of "+n.Network)
				}
				seen.containers = append(seen.containers, found{
					id: a.name, name: a.name, service: sp.service.Name, number: i + 1, state: "running",
					config: labels[labelConfig], imageID: labels[labelImage], labels: labels, networks: joined,
				})
			}
		}
	}
	return seen
}

func (s *site) expectPlan(commit deploy.Commit, seen observation, images map[string]image, want string) {
	s.t.Helper()
	got, err := s.planOf(commit, seen, images)
	if err != nil {
		s.t.Fatal(err)
	}
	if want = strings.TrimPrefix(want, "\n"); got != want {
		s.t.Errorf("the plan is\n%swant\n%s", got, want)
	}
}

func TestTheFirstStartCreatesEverythingInOrder(t *testing.T) {
	s := newSite(t, nil, threeServices)
	s.expectPlan(commitA, observation{}, someImages, `
create network APP-blue_default
create volume APP-blue_data
level 1
  create APP-blue-db-1
level 2
  init waits for db: service_started
  create APP-blue-init-1
level 3
  web waits for db: service_healthy
  web waits for init: service_completed_successfully
  create APP-blue-web-1
  create APP-blue-web-2
`)
}

func TestNothingIsDoneWhenNothingChanged(t *testing.T) {
	s := newSite(t, nil, threeServices)
	s.expectPlan(commitA, s.running(commitA, someImages), someImages, `
level 1
  keep APP-blue-db-1
level 2
  init waits for db: service_started
  keep APP-blue-init-1
level 3
  web waits for db: service_healthy
  web waits for init: service_completed_successfully
  keep APP-blue-web-1
  keep APP-blue-web-2
`)
}

func TestOnlyWhatDiffersIsTouched(t *testing.T) {
	s := newSite(t, nil, threeServices)
	seen := s.running(commitA, someImages)
	seen.containers[1].state = "exited"                                                   // init
	seen.containers = append(seen.containers, found{id: "x", name: "x", service: "gone"}) // of an older release
	s.write("blue.yml", strings.Replace(threeServices, "scale: 2", "scale: 1", 1))
	images := map[string]image{"web": {id: "sha256:new", ref: "web"}, "db": someImages["db"], "init": someImages["init"]}
	s.expectPlan(commitA, seen, images, `
remove x: no such service
level 1
  keep APP-blue-db-1
level 2
  init waits for db: service_started
  start APP-blue-init-1: it is exited
level 3
  web waits for db: service_healthy
  web waits for init: service_completed_successfully
  remove APP-blue-web-2: more than wanted
  replace APP-blue-web-1: its image changed
`)
}

func TestTheWebServiceAndWhatIsBuiltBelongToTheirRelease(t *testing.T) {
	s := newSite(t, nil, "services: {web: {image: web, depends_on: [db]}, db: {image: db}, worker: {build: .}, follower: {image: init, depends_on: {web: {condition: service_started, restart: true}}}}")
	images := map[string]image{"web": someImages["web"], "db": someImages["db"], "follower": someImages["init"], "worker": someImages["init"]}
	s.expectPlan(commitB, s.running(commitA, images), images, `
level 1
  keep APP-blue-db-1
  replace APP-blue-worker-1: its configuration changed
level 2
  web waits for db: service_started
  replace APP-blue-web-1: its configuration changed
level 3
  follower waits for web: service_started
  restart APP-blue-follower-1: it restarts with web
`)
}

func TestAnonymousVolumesGoToTheSuccessor(t *testing.T) {
	s := newSite(t, nil, "services: {web: {image: web, volumes: ['/named', './x:/bound', {type: tmpfs, target: /scratch}]}}")
	images := map[string]image{"web": {id: "sha256:web", ref: "web", volumes: map[string]bool{"/declared": true, "/bound": true, "/scratch": true}}}
	seen := s.running(commitA, images)
	seen.containers[0].mounts = []container.MountPoint{
		{Type: "volume", Name: "n", Destination: "/named", RW: true},
		{Type: "volume", Name: "d", Destination: "/declared"},
		{Type: "volume", Name: "b", Destination: "/bound", RW: true},
		{Type: "volume", Name: "o", Destination: "/other", RW: true},
		{Type: "volume", Name: "s", Destination: "/scratch", RW: true},
	}
	seen.containers[0].config = "changed"
	p, err := s.load(deploy.Blue)
	if err != nil {
		t.Fatal(err)
	}
	pl, err := newPlan(p, seen, images)
	if err != nil {
		t.Fatal(err)
	}
	want := []mount.Mount{
		{Type: "volume", Source: "n", Target: "/named"},
		{Type: "tmpfs", Target: "/scratch"},
		{Type: "volume", Source: "d", Target: "/declared", ReadOnly: true},
	}
	if got := pl.levels[0][0].actions[0].blueprint.Host.Mounts; !reflect.DeepEqual(got, want) {
		t.Errorf("the successor mounts %+v, want %+v", got, want)
	}
}

func TestAnImageForAnotherPlatformIsRefused(t *testing.T) {
	s := newSite(t, nil, "services: {web: {image: web, platform: linux/arm64}}")
	for architecture, refused := range map[string]bool{"amd64": true, "arm64": false} {
		images := map[string]image{"web": {id: "sha256:web", ref: "web", platform: platformFrom("linux", architecture, "")}}
		_, err := s.planOf(commitA, observation{}, images)
		if refused {
			testkit.ErrorContains(t, err, "service web wants platform linux/arm64, and image web is for linux/amd64")
		} else if err != nil {
			t.Error(err)
		}
	}
}

func TestAHostPortThatAnotherContainerHoldsIsNamed(t *testing.T) {
	s := newSite(t, nil, "services: {web: {image: web, ports: ['127.0.0.1:8080:80']}}")
	for _, c := range []struct {
		ip, proto string
		taken     bool
	}{{"0.0.0.0", "tcp", true}, {"127.0.0.1", "tcp", true}, {"10.0.0.1", "tcp", false}, {"::", "tcp", true}, {"0.0.0.0", "udp", false}} {
		other := found{name: "theirs", state: "running", labels: map[string]string{labelProject: "elsewhere"}}
		other.ports = []container.Port{{IP: c.ip, PublicPort: 8080, Type: c.proto}}
		_, err := s.planOf(commitA, observation{others: []found{other}}, someImages)
		if !c.taken {
			if err != nil {
				t.Errorf("%s/%s: %v", c.ip, c.proto, err)
			}
			continue
		}
		testkit.ErrorContains(t, err, "port 8080", "container theirs of project elsewhere")
	}
}

func TestNetworksThatDoNotFitAreRefused(t *testing.T) {
	s := newSite(t, nil, "services: {web: {image: web, networks: [front]}}\nnetworks: {front: {external: true, name: the-front}}")
	_, err := s.planOf(commitA, observation{}, someImages)
	testkit.ErrorContains(t, err, "network the-front does not exist")

	s = newSite(t, nil, "services: {web: {image: web}}")
	name := s.settings.App + "-blue_default"
	_, err = s.planOf(commitA, observation{networks: []foundNetwork{{"id", name, nil}}}, someImages)
	testkit.ErrorContains(t, err, "does not belong to project")

	seen := s.running(commitA, someImages)
	s.write("blue.yml", "services: {web: {image: web}}\nnetworks: {default: {internal: true}}")
	_, err = s.planOf(commitA, seen, someImages)
	testkit.ErrorContains(t, err, "the settings of network", "changed")
}

func TestTheEnginesRefusalsAreExplained(t *testing.T) {
	for text, want := range map[string]string{
		"driver failed programming external connectivity on endpoint x: Bind for 0.0.0.0:8080 failed: port is already allocated":          "port 8080",
		"driver failed: Error starting userland proxy: listen tcp4 0.0.0.0:9090: bind: address already in use":                            "port 9090",
		`Conflict. The container name "/blue" is already in use by container "123". You have to remove (or rename) that container first.`: "name blue",
	} {
		testkit.ErrorContains(t, taken(errorText(text)), want, "already taken")
	}
}

type errorText string

func (e errorText) Error() string { return string(e) }

func TestAContainerThatWasSetAsideIsSeenAfterACrash(t *testing.T) {
	s := newSite(t, nil, "services: {web: {image: web}}")
	seen := s.running(commitA, someImages)
	seen.containers[0].name += asideSuffix
	seen.containers[0].state = "exited"
	s.expectPlan(commitA, seen, someImages, `
level 1
  replace APP-blue-web-1: its name was APP-blue-web-1-replaced
`)
	successor := seen.containers[0]
	successor.name, successor.state = strings.TrimSuffix(successor.name, asideSuffix), "running"
	seen.containers = append(seen.containers, successor)
	sortFound(seen.containers)
	s.expectPlan(commitA, seen, someImages, `
level 1
  remove APP-blue-web-1-replaced: more than wanted
  keep APP-blue-web-1
`)
}
