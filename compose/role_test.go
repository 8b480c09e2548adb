package compose

import (
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// judged loads the file as blue's and returns what is wrong with it.
func judged(t *testing.T, file string) error {
	t.Helper()
	s := newSite(t, nil, file)
	p, err := s.load(deploy.Blue)
	if err != nil {
		t.Fatal(err)
	}
	return s.check(p)
}

func TestARoleThatCannotBeIsRefusedWithItsPlace(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		want []string
	}{
		"another role": {
			"services:\n  web: {image: x}\n  w:\n    image: x\n    labels:\n      verdigris.role: cron\n",
			[]string{"service w: label verdigris.role", `"cron" is no role`, "(blue.yml:6)"},
		},
		"no role at all, in a list": {
			"services:\n  web: {image: x}\n  w:\n    image: x\n    labels:\n      - a=b\n      - verdigris.role=\n",
			[]string{`"" is no role`, "(blue.yml:7)"},
		},
		"the web service": {
			"services:\n  web:\n    image: x\n    labels: {verdigris.role: worker}\n",
			[]string{"service web: label verdigris.role", "before its slice goes live (blue.yml:4)"},
		},
		"a worker with pre_start": {
			"services:\n  web: {image: x}\n  w:\n    image: x\n    labels: {verdigris.role: worker}\n    pre_start: [{command: [y]}]\n",
			[]string{"service w: pre_start (blue.yml:6)", "without its compose files"},
		},
		"a service that waits for a worker": {
			"services:\n  web:\n    image: x\n    depends_on:\n      w: {condition: service_healthy}\n  w: {image: x, labels: {verdigris.role: worker}}\n",
			[]string{"service web depends on worker w, which only runs on the live slice (blue.yml:5)"},
		},
		"a service that could do without one": {
			"services:\n  web: {image: x, depends_on: {w: {condition: service_started, required: false}}}\n  w: {image: x, labels: {verdigris.role: worker}}\n",
			[]string{"service web depends on worker w", "(blue.yml:2)"},
		},
		"a service in the network of a worker": {
			"services:\n  web:\n    image: x\n    network_mode: service:w\n  w: {image: x, labels: {verdigris.role: worker}}\n",
			[]string{"service web depends on worker w", "(blue.yml:4)"},
		},
		"a service linked to a worker": {
			"services:\n  web:\n    image: x\n    links:\n      - w:background\n  w: {image: x, labels: {verdigris.role: worker}}\n",
			[]string{"service web depends on worker w", "(blue.yml:5)"},
		},
	} {
		t.Run(name, func(t *testing.T) { testkit.ErrorContains(t, judged(t, c.file), c.want...) })
	}
	if err := judged(t, "services:\n  web: {image: x}\n  a: {image: x, depends_on: [web, b], labels: {verdigris.role: worker}}\n  b: {image: x, labels: [verdigris.role=worker]}\n"); err != nil {
		t.Errorf("workers that depend on others: %v", err)
	}
}

func TestASharedServiceIsNoWorker(t *testing.T) {
	s := newSite(t, nil, "services: {web: {image: x}}")
	s.write("shared.yml", "services:\n  router: {image: x}\n  w:\n    image: x\n    labels: {verdigris.role: worker}\n")
	p, err := s.loadShared(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	testkit.ErrorContains(t, s.check(p), "service w: label verdigris.role", "beside both slices (shared.yml:5)")
}

func TestAnImageMakesNoWorkers(t *testing.T) {
	s := newSite(t, nil, "services:\n  web:\n    image: web\n  w: {image: db, labels: {verdigris.role: worker}}\n")
	labelled := image{id: "sha256:x", ref: "x", role: roleWorker}
	if _, err := s.planOf(commitA, observation{}, map[string]image{"web": someImages["web"], "w": labelled}); err != nil {
		t.Errorf("a worker's image may say so: %v", err)
	}
	_, err := s.planOf(commitA, observation{}, map[string]image{"web": labelled, "w": labelled})
	testkit.ErrorContains(t, err, "service web: image x has the label verdigris.role=worker", "(blue.yml:3)")
}

const background = `
services:
  web: {image: web}
  w: {image: db, depends_on: [web], labels: {verdigris.role: worker}}
`

func TestAPlanNeverStartsAWorker(t *testing.T) {
	s := newSite(t, nil, background)
	images := map[string]image{"web": someImages["web"], "w": someImages["db"]}
	for state, want := range map[string]string{
		"running":    "stop APP-blue-w-1: only the live slice has workers",
		"restarting": "stop APP-blue-w-1: only the live slice has workers",
		"exited":     "keep APP-blue-w-1",
		"created":    "replace APP-blue-w-1: it was made and never started",
	} {
		seen := s.running(commitA, images)
		for i := range seen.containers {
			if seen.containers[i].worker() {
				seen.containers[i].state = state
			}
		}
		s.expectPlan(commitA, seen, images, "level 1\n  keep APP-blue-web-1\nlevel 2\n  w waits for web: service_started\n  "+want+"\n")
	}
}

func TestWorkersOfBothSlicesMayPublishOnePort(t *testing.T) {
	s := newSite(t, nil, strings.Replace(background, "image: db", "image: db, ports: ['127.0.0.1:8080:80']", 1))
	images := map[string]image{"web": someImages["web"], "w": someImages["db"]}
	other := found{name: "theirs", state: "running", ports: []container.Port{{IP: "127.0.0.1", PublicPort: 8080, Type: "tcp"}}}
	other.labels = map[string]string{labelApp: s.settings.App, labelSlice: "green", labelRole: roleWorker}
	if _, err := s.planOf(commitA, observation{others: []found{other}}, images); err != nil {
		t.Errorf("the worker of the other slice is in the way: %v", err)
	}
	other.labels = map[string]string{labelApp: "another", labelRole: roleWorker}
	_, err := s.planOf(commitA, observation{others: []found{other}}, images)
	testkit.ErrorContains(t, err, "port 8080", "theirs")
}

func TestTheRestartPolicyOfAWorkerWaitsInALabel(t *testing.T) {
	for restart, want := range map[string]string{"always": "always", "on-failure:3": "on-failure:3", "\"no\"": "", "unless-stopped": "unless-stopped"} {
		s := newSite(t, nil, strings.Replace(background, "image: db", "image: db, restart: "+restart, 1))
		p := s.accepted()
		pl, err := newPlan(p, observation{}, map[string]image{"web": someImages["web"], "w": someImages["db"]})
		if err != nil {
			t.Fatal(err)
		}
		b := pl.services()[1].actions[0].blueprint
		if got := b.Config.Labels[labelRestart]; got != want || want != "" && b.Host.RestartPolicy.Name != "" {
			t.Errorf("restart: %s is kept as %q beside %+v", restart, got, b.Host.RestartPolicy)
		}
	}
}
