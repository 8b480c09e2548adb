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
// the Engine has started it again.
func (s *site) crash(service string) {
	s.t.Helper()
	s.killed(s.shared(service))()
}

// killed kills the first process of a container; isBack waits until the Engine has started it again.
func (s *site) killed(container string) (isBack func()) {
	s.t.Helper()
	startedAt := func() string { return testkit.Docker(s.t, "inspect", "-f", "{{.State.StartedAt}}", container) }
	before := startedAt()
	s.kill(container)
	return func() {
		s.t.Helper()
		testkit.Within(s.t, time.Minute, container+" is back", func() error {
			if startedAt() == before {
				return errors.New("it has not been started again")
			}
			return nil
		})
	}
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
