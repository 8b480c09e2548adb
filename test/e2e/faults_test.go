package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
	"verdigris/test/load"
)

// fault is one mishap, from its beginning until everything is as before.
type fault struct {
	what       string
	begun, end time.Time
	// carried tells that what was killed was carrying requests, which may fail by it.
	carried bool
	failed  int
}

// mishaps are what may go wrong, each with how it begins and what there is to do for its end.
func (s *site) mishaps() map[string]func(r *rand.Rand) (carried bool) {
	either := func(r *rand.Rand) deploy.Slice { return []deploy.Slice{deploy.Blue, deploy.Green}[r.IntN(2)] }
	return map[string]func(r *rand.Rand) bool{
		"verdigris killed": func(*rand.Rand) bool {
			s.stop(syscall.SIGKILL)
			s.start()
			return false
		},
		"router killed": func(*rand.Rand) bool {
			s.crash("router") // until its last worker is gone it may answer
			return true
		},
		"a redis restarted": func(r *rand.Rand) bool {
			testkit.Docker(s.t, "restart", s.shared("redis-"+string(either(r))))
			return true
		},
		"a container paused": func(r *rand.Rand) bool {
			unpause := testkit.Pause(s.t, s.web(either(r)))
			time.Sleep(time.Duration(100+r.IntN(600)) * time.Millisecond) // this is how long it stands still
			unpause()
			return false
		},
	}
}

// kill kills the first process of a container with signal 9.
func (s *site) kill(container string) {
	s.t.Helper()
	pid, err := strconv.Atoi(testkit.Docker(s.t, "inspect", "-f", "{{.State.Pid}}", container))
	if err != nil || pid < 2 {
		s.t.Fatalf("the process of %s is %d: %v", container, pid, err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		s.t.Fatalf("kill the process of %s: %v", container, err)
	}
}

// incidents are faults and the requests that failed.
type incidents struct {
	mu     sync.Mutex
	faults []*fault
	failed []load.Entry
}

func (i *incidents) note(e load.Entry) {
	if e.Err == nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.failed = append(i.failed, e)
}

// explain finds the fault by which each request failed, and returns those that no fault explains.
func (i *incidents) explain() (unexplained []load.Entry) {
	i.mu.Lock()
	defer i.mu.Unlock()
failures:
	for _, e := range i.failed {
		for _, f := range i.faults {
			if f.carried && e.Start.Before(f.end) && e.Start.Add(e.Took).After(f.begun) {
				f.failed++
				continue failures
			}
		}
		unexplained = append(unexplained, e)
	}
	return unexplained
}

// healthy waits until the site answers, verdigris does nothing more, and the mirror is in step.
func (s *site) healthy() {
	s.t.Helper()
	s.answersAgain()
	testkit.Within(s.t, time.Minute, "verdigris rests", func() error {
		status := s.status()
		if status.Running != nil || len(status.Queued) > 0 {
			return fmt.Errorf("an operation goes on: %+v", status.Running)
		}
		return nil
	})
	s.mirrorInStep()
}

func TestSite_RoundsOfFaultsDuringCutovers_LoseNoAcknowledgedWrite(t *testing.T) {
	s := goodSite(t)
	untouched := s.caches()
	s.want(s.push(s.commit("second")), deploy.StateSucceeded)
	t.Cleanup(s.tellServers)
	r := testkit.Random(t)
	book, seen := &ledger{}, &incidents{}
	workers := []load.Worker{s.uploader(book, "writer-a", 100), s.uploader(book, "writer-b", 1000)}
	for range 8 {
		client := s.reader()
		client.Every = 10 * time.Millisecond
		workers = append(workers, client)
	}
	l := load.Start(context.Background(), load.Plan{Workers: workers, Watch: seen.note})
	mishaps := s.mishaps()
	ended := map[deploy.State]int{}
	for round := range testkit.Rounds(t, 4) {
		what := []string{"verdigris killed", "router killed", "a redis restarted", "a container paused"}[round%4]
		var d deploy.Deployment
		s.ask(http.MethodPost, "/switch", "", http.StatusAccepted, &d)
		time.Sleep(time.Duration(r.IntN(500)) * time.Millisecond) // somewhere in the cutover
		f := &fault{what: what, begun: time.Now()}
		f.carried = mishaps[what](r)
		s.healthy()
		f.end = time.Now()
		seen.faults = append(seen.faults, f)
		ended[s.ended(d.ID).State]++
	}
	s.want(s.order("/switch", ""), deploy.StateSucceeded)
	s.mirrorInStep()
	report := l.Stop()
	t.Logf("%s; deployments ended: %v", report, ended)
	for _, e := range seen.explain() {
		t.Errorf("%s at %s failed after %s by no fault of ours to see: %v", e.Kind, e.Start.Format("15:04:05.000"), e.Took, e.Err)
	}
	for _, f := range seen.faults {
		t.Logf("%s at %s, over after %s: %d requests failed", f.what, f.begun.Format("15:04:05.000"), f.end.Sub(f.begun).Round(time.Millisecond), f.failed)
	}
	status := s.status()
	s.accountFor(book, status.Live)
	s.sameLists()
	untouched()
}

// tellServers logs what the shared servers said last, and how they stand, after a test that failed.
func (s *site) tellServers() {
	if !s.t.Failed() {
		return
	}
	for _, name := range []string{"router", "edge", "redis-blue", "redis-green"} {
		container := s.shared(name)
		state := testkit.Docker(s.t, "inspect", "-f", "{{.State.Status}}, {{.RestartCount}} restarts, exit code {{.State.ExitCode}}, {{.HostConfig.RestartPolicy.Name}}", container)
		s.t.Logf("%s: %s\n%s", name, state, strings.TrimSpace(testkit.Docker(s.t, "logs", "--tail", "20", container)))
	}
}
