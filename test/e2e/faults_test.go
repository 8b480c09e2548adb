package e2e

import (
	"context"
	"errors"
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
			s.killRouter()
			return true
		},
		"a redis restarted": func(r *rand.Rand) bool {
			docker(s.t, "restart", s.app+"-shared-redis-"+string(either(r))+"-1")
			return true
		},
		"a container paused": func(r *rand.Rand) bool {
			name := s.app + "-" + string(either(r)) + "-web-1"
			docker(s.t, "pause", name)
			time.Sleep(time.Duration(100+r.IntN(600)) * time.Millisecond) // this is how long it stands still
			docker(s.t, "unpause", name)
			return false
		},
	}
}

// killRouter kills the router and waits until it has been started again: until its last worker is gone it may answer.
func (s *site) killRouter() {
	s.t.Helper()
	before := s.routerStarted()
	s.kill(s.app + "-shared-router-1")
	s.eventually(time.Minute, "the router has been started again", func() error {
		if s.routerStarted() == before {
			return errors.New("it has not")
		}
		return nil
	})
}

// routerStarted is when the router was last started, as the Engine writes it.
func (s *site) routerStarted() string {
	s.t.Helper()
	return docker(s.t, "inspect", "-f", "{{.State.StartedAt}}", s.app+"-shared-router-1")
}

// routerHasRun waits until the router has run for so long: one that ends again and again within ten seconds of its start
// is brought back by Docker after ever longer pauses.
func (s *site) routerHasRun(since time.Duration) {
	s.t.Helper()
	s.eventually(time.Minute, "the router has run for a while", func() error {
		started, err := time.Parse(time.RFC3339Nano, s.routerStarted())
		if err == nil && time.Since(started) < since {
			err = fmt.Errorf("it started %s ago", time.Since(started))
		}
		return err
	})
}

// kill kills the first process of a container with signal 9.
func (s *site) kill(container string) {
	s.t.Helper()
	pid, err := strconv.Atoi(docker(s.t, "inspect", "-f", "{{.State.Pid}}", container))
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
	s.eventually(time.Minute, "the site answers and verdigris rests", func() error {
		if status, body := answer(http.Get(s.edge("/health"))); status != http.StatusOK {
			return fmt.Errorf("the site answers %d: %s", status, body)
		}
		var status deploy.Status
		s.ask(http.MethodGet, "/status", "", http.StatusOK, &status)
		if status.Running != nil || len(status.Queued) > 0 {
			return fmt.Errorf("an operation goes on: %+v", status.Running)
		}
		return nil
	})
	s.mirrorInStep()
}

func TestWhateverBreaksDuringCutoversNoAcknowledgedWriteIsLost(t *testing.T) {
	s := newSite(t, albums, shortWatch).blueLive()
	untouched := s.caches()
	s.want(s.push(s.commit("second")), deploy.StateSucceeded)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	t.Cleanup(s.tellServers)
	r := rand.New(rand.NewPCG(seed, 0))
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
	for round := range 16 {
		what := []string{"verdigris killed", "router killed", "a redis restarted", "a container paused"}[round%4]
		s.routerHasRun(11 * time.Second)
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
	var status deploy.Status
	s.ask(http.MethodGet, "/status", "", http.StatusOK, &status)
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
		container := s.app + "-shared-" + name + "-1"
		state := docker(s.t, "inspect", "-f", "{{.State.Status}}, {{.RestartCount}} restarts, exit code {{.State.ExitCode}}, {{.HostConfig.RestartPolicy.Name}}", container)
		s.t.Logf("%s: %s\n%s", name, state, strings.TrimSpace(docker(s.t, "logs", "--tail", "20", container)))
	}
}
