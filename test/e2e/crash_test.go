package e2e

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"verdigris/deploy"
)

// crash kills the first process of a shared service's container, as a crash or a lack of memory does.
func (s *site) crash(service string) {
	s.t.Helper()
	container := s.app + "-shared-" + service + "-1"
	pid, err := strconv.Atoi(docker(s.t, "inspect", "-f", "{{.State.Pid}}", container))
	if err != nil || pid < 2 {
		s.t.Fatalf("the process of %s is %d: %v", container, pid, err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		s.t.Fatalf("kill the process of %s: %v", container, err)
	}
	s.eventually(20*time.Second, service+" is back", func() error {
		state := docker(s.t, "inspect", "-f", "{{.State.Running}} {{.RestartCount}}", container)
		if !strings.HasPrefix(state, "true") || strings.HasSuffix(state, " 0") {
			return fmt.Errorf("running and restarts: %s", state)
		}
		status, body := answer(http.Get(s.edge("/health")))
		if status != http.StatusOK {
			return fmt.Errorf("the site answers %d: %s", status, body)
		}
		return nil
	})
}

func TestSharedServersThatCrashComeBackByThemselvesAndTheNextPushSucceeds(t *testing.T) {
	s := goodSite(t)
	for _, service := range []string{"router", "edge", "redis-blue", "redis-green"} {
		s.crash(service)
	}
	s.serves(deploy.Blue)
	s.recovers()
}

func TestASecondDirectoryWithTheSameAppTouchesNothingOfTheFirst(t *testing.T) {
	s := goodSite(t)
	clone := writeSite(t, func(c *site) {
		c.app, c.dir = s.app, shortDir(t)
		c.repo = c.dir + "/repo"
		c.writeFiles()
	})
	out, code := clone.command("up")
	if code != 3 || !strings.Contains(out, s.dir) || !strings.Contains(out, clone.dir) {
		t.Errorf("up in the second directory: exit code %d: %s", code, out)
	}
	s.serves(deploy.Blue)
	s.recovers()
}
