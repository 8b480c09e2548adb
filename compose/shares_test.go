package compose

import (
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

const sharing = `
services:
  web:
    image: web
    network_mode: service:db
    pid: service:db
    ipc: service:db
    volumes_from: ["init:ro", "container:theirs:ro", db]
  db: {image: db, ipc: shareable, volumes: [/kept]}
  init: {image: init}
`

func TestWhoSharesWithANewContainerIsReplaced(t *testing.T) {
	s := newSite(t, nil, sharing)
	seen := s.running(commitA, someImages)
	s.expectPlan(commitA, seen, someImages, `
level 1
  keep APP-blue-db-1
  keep APP-blue-init-1
level 2
  web waits for db: service_started
  web waits for init: service_started
  keep APP-blue-web-1
`)
	images := map[string]image{"web": someImages["web"], "db": {id: "sha256:new", ref: "db"}, "init": someImages["init"]}
	s.expectPlan(commitA, seen, images, `
level 1
  replace APP-blue-db-1: its image changed
  keep APP-blue-init-1
level 2
  web waits for db: service_started
  web waits for init: service_started
  replace APP-blue-web-1: it shares the network of db, whose container is new
`)
	images = map[string]image{"web": someImages["web"], "db": someImages["db"], "init": {id: "sha256:new", ref: "init"}}
	s.expectPlan(commitA, seen, images, `
level 1
  keep APP-blue-db-1
  replace APP-blue-init-1: its image changed
level 2
  web waits for db: service_started
  web waits for init: service_started
  replace APP-blue-web-1: it shares the volumes of init, whose container is new
`)
}

func TestWhoSharesWithAContainerThatOthersReplacedIsReplacedToo(t *testing.T) {
	s := newSite(t, nil, sharing)
	seen := s.running(commitA, someImages)
	seen.containers[0].id = "another one" // db
	got, err := s.planOf(commitA, seen, someImages)
	if err != nil || !strings.Contains(got, "replace APP-blue-web-1: it shares the network of db, whose container is new") {
		t.Errorf("%v\n%s", err, got)
	}
}

func TestWhoSharesANamespaceRestartsWithIt(t *testing.T) {
	s := newSite(t, nil, sharing)
	seen := s.running(commitA, someImages)
	seen.containers[0].state = "exited" // db
	got, err := s.planOf(commitA, seen, someImages)
	if err != nil || !strings.Contains(got, "start APP-blue-db-1: it is exited\n") || !strings.Contains(got, "restart APP-blue-web-1: it restarts with db\n") {
		t.Errorf("%v\n%s", err, got)
	}
	seen.containers[0].state, seen.containers[1].state = "running", "exited" // init, of which it has volumes alone
	got, err = s.planOf(commitA, seen, someImages)
	if err != nil || !strings.Contains(got, "keep APP-blue-web-1") {
		t.Errorf("%v\n%s", err, got)
	}
}

func TestIDsStandInThePlaceOfServices(t *testing.T) {
	s := newSite(t, nil, sharing)
	p := s.accepted()
	b, err := p.blueprint(p.Services["web"], 1)
	if err != nil {
		t.Fatal(err)
	}
	p.label(b, b.service, 1, "")
	plain := b.Config.Labels[labelConfig]
	testkit.Must(t, b.resolve(b.service, map[string]string{"db": "d1", "init": "i1"}))
	h := b.Host
	if h.NetworkMode != "container:d1" || h.PidMode != "container:d1" || h.IpcMode != "container:d1" {
		t.Errorf("the namespaces are %s, %s, %s", h.NetworkMode, h.PidMode, h.IpcMode)
	}
	if got := strings.Join(h.VolumesFrom, " "); got != "i1:ro theirs:ro d1" {
		t.Errorf("volumes are from %s", got)
	}
	if got := b.Config.Labels[labelShares]; got != "db=d1,init=i1" || b.Config.Labels[labelConfig] != plain {
		t.Errorf("labels are %v", b.Config.Labels)
	}
	// Docker Compose sums up what it asked of the engine: ids and names, without the access.
	same := b.service
	same.NetworkMode, same.Pid, same.Ipc = "container:d1", "container:d1", "container:d1"
	same.VolumesFrom = []string{"i1", "theirs", "d1"}
	if b.Config.Labels[labelHash] != serviceHash(same) {
		t.Error("the hash of Docker Compose is another one")
	}
}

func TestVolumesThatAreLentAreNotTakenOver(t *testing.T) {
	s := newSite(t, nil, sharing)
	images := map[string]image{}
	for name, img := range someImages {
		img.volumes = map[string]bool{"/kept": true, "/own": true}
		images[name] = img
	}
	seen := s.running(commitA, images)
	lent, own := strings.Repeat("ab", 32), strings.Repeat("cd", 32)
	seen.containers[0].mounts = []container.MountPoint{{Type: "volume", Name: lent, Destination: "/kept"}}
	seen.containers[2].mounts = []container.MountPoint{
		{Type: "volume", Name: lent, Destination: "/kept"}, {Type: "volume", Name: own, Destination: "/own"},
	}
	seen.containers[2].config = "changed"
	p, err := s.load(deploy.Blue)
	testkit.Must(t, err)
	pl, err := newPlan(p, seen, images)
	if err != nil {
		t.Fatal(err)
	}
	if got := pl.levels[1][0].actions[0].blueprint.Host.Mounts; len(got) != 1 || got[0].Source != own || got[0].Target != "/own" {
		t.Errorf("the successor mounts %v", got)
	}
}
