package compose

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

var withJob = `
services:
  web: {image: "` + redis + `", command: [redis-server, --save, ""], tmpfs: [/data]}
  migrate:
    image: ` + debian + `
    profiles: [jobs]
    restart: always
    ports: ["1:1"]
    command: [bash, -c, "%s"]
`

func jobSite(t *testing.T, e *Engine, script string) *site {
	s := newSite(t, e, strings.Replace(withJob, "%s", script, 1))
	s.settings.Profiles = []string{"jobs"}
	return s
}

func TestAJobRunsToItsEndOnTheSlicesNetwork(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := jobSite(t, e, "echo hello; until (echo > /dev/tcp/web/6379) 2>&-; do sleep 0.1; done; exec 3<>/dev/tcp/web/6379; echo PING >&3; head -n1 <&3")
	// The job's service would be started with the slice; here web alone is.
	s.settings.Profiles = nil
	s.up(commitA)
	s.settings.Profiles = []string{"jobs"}
	s.said()
	if err := s.RunJob(t.Context(), deploy.Blue, s.release(commitA), "migrate", s.log); err != nil {
		t.Fatalf("%v\n%s", err, s.said())
	}
	if said := s.said(); !strings.Contains(said, "hello") || !strings.Contains(said, "+PONG") {
		t.Errorf("the job said\n%s", said)
	}
	if ids := s.ids(); len(ids) != 1 {
		t.Errorf("containers are %v", ids)
	}
}

func TestAFailedJobCarriesItsLastWordsAndLeavesNothing(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := jobSite(t, e, "echo cannot migrate >&2; exit 9")
	err := s.RunJob(t.Context(), deploy.Blue, s.release(commitA), "migrate", s.log)
	testkit.ErrorContains(t, err, "exited with status 9")
	var logged *deploy.LoggedError
	if !errors.As(err, &logged) || strings.Join(logged.Lines, "|") != "cannot migrate" {
		t.Errorf("error is %#v", err)
	}
	if left := leftovers(t, e, s.settings.App); len(left) > 0 {
		t.Errorf("the job left %q", left)
	}
	testkit.ErrorContains(t, s.RunJob(t.Context(), deploy.Blue, s.release(commitA), "nope", s.log), "no service nope")
}

func TestACancelledJobIsStoppedAndRemoved(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := jobSite(t, e, "echo begun; sleep 60")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err := s.RunJob(ctx, deploy.Blue, s.release(commitA), "migrate", func(line string, _ ...deploy.Step) {
		if line == "begun" {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if left := leftovers(t, e, s.settings.App); len(left) > 0 {
		t.Errorf("the job left %q", left)
	}
}
