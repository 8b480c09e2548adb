package compose

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// greeter is a web service that says so in its log when it has been started.
var greeter = `
services:
  web:
    image: ` + redis + `
    command: [redis-server, --save, ""]
    init: true
    tmpfs: [/data]
    restart: always
    post_start: [{command: [echo, greetings]}]
`

// cutOff starts the release on blue, for deployment 2, and never goes on once it says the text, as if verdigris had been
// killed there.
func (s *site) cutOff(c deploy.Commit, text string) {
	s.t.Helper()
	reached, ended := make(chan struct{}), make(chan error, 1)
	var once sync.Once
	wanted := s.release(c)
	wanted.Deployment = 2
	go func() {
		ended <- s.Start(context.Background(), deploy.Blue, wanted, func(line string, _ ...deploy.Step) {
			if strings.Contains(line, text) {
				once.Do(func() { close(reached) })
				select {}
			}
		})
	}()
	select {
	case <-reached:
	case err := <-ended:
		s.t.Fatalf("the start ended and never said %q: %v", text, err)
	case <-time.After(2 * time.Minute):
		s.t.Fatalf("the start never said %q", text)
	}
}

func TestRuntime_StartCutOff_ObservesTheReleaseThatRuns(t *testing.T) {
	t.Parallel()
	e := connected(t)
	for _, c := range []struct {
		when, line string
		commit     deploy.Commit
		aside      int
	}{
		{"before the old container is stopped", "replace ", commitA, 0},
		{"before the new container is started", "stopped ", "", 1},
		{"when the new container runs", "greetings", commitB, 1},
	} {
		s := newSite(t, e, greeter)
		s.up(commitA)
		s.cutOff(commitB, c.line)
		status := s.observe()
		if status.Commit != c.commit || status.Running() != (c.commit != "") || len(status.SetAside) != c.aside {
			t.Errorf("cut off %s, it is %+v", c.when, status)
		}
		for _, aside := range status.SetAside {
			if aside.Commit != commitA || aside.State != "exited" {
				t.Errorf("cut off %s, set aside is %+v", c.when, aside)
			}
		}
	}
}

func TestRuntime_TwoReleasesRun_ObservesNoRelease(t *testing.T) {
	t.Parallel()
	s := newSite(t, connected(t), greeter)
	s.up(commitA)
	s.cutOff(commitB, "greetings")
	testkit.Docker(t, "start", s.observe().SetAside[0].Name)
	if status := s.observe(); status.Commit != "" || len(status.Endpoints) != 2 || len(status.SetAside) != 0 {
		t.Errorf("it is %+v", status)
	}
}

func TestRuntime_WebCalledUnhealthy_StillObservesItsEndpoint(t *testing.T) {
	t.Parallel()
	s := newSite(t, connected(t), greeter+`    healthcheck: {test: "test ! -e /tmp/sick", interval: 200ms, retries: 1}`)
	web := s.up(commitA).Containers[0].Name
	testkit.Docker(t, "exec", web, "touch", "/tmp/sick")
	testkit.Eventually(t, "the engine calls it unhealthy", func() bool { return s.observe().Containers[0].Health == "unhealthy" })
	if status := s.observe(); !status.Running() || status.Commit != commitA {
		t.Errorf("it is %+v", status)
	}
}
