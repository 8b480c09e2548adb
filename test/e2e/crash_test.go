package e2e

import (
	"errors"
	"strings"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// crash kills the first process of a shared service's container, as a crash or a lack of memory does, and waits until
// the Engine has started it again by itself.
func (s *site) crash(service string) {
	s.t.Helper()
	before := s.startedAt(service)
	s.kill(s.shared(service))
	testkit.Within(s.t, time.Minute, service+" is back", func() error {
		if now := s.startedAt(service); now == before {
			return errors.New("it has not been started again")
		}
		return nil
	})
}

// startedAt is when a shared service's container was last started, as the Engine writes it.
func (s *site) startedAt(service string) string {
	s.t.Helper()
	return testkit.Docker(s.t, "inspect", "-f", "{{.State.StartedAt}}", s.shared(service))
}

func TestSharedServersThatCrashComeBackByThemselvesAndTheNextPushSucceeds(t *testing.T) {
	t.Parallel()
	s := goodSite(t)
	for _, service := range []string{"router", "edge", "redis-blue", "redis-green"} {
		s.crash(service)
		s.answersAgain()
	}
	s.serves(deploy.Blue)
	s.recovers()
}

func TestASecondDirectoryWithTheSameAppTouchesNothingOfTheFirst(t *testing.T) {
	t.Parallel()
	s := goodSite(t)
	clone := writeSite(t, func(c *site) {
		c.app = s.app
		c.writeFiles()
	})
	defer clone.release()
	out, code := clone.command("up")
	if code != 3 || !strings.Contains(out, s.dir) || !strings.Contains(out, clone.dir) {
		t.Errorf("up in the second directory: exit code %d: %s", code, out)
	}
	s.serves(deploy.Blue)
	s.recovers()
}
