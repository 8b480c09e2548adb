package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
	"verdigris/test/load"
)

// What must hold, whatever fails how and when:
//
//	one slice answers         after a switch no request reaches the old slice, whoever reads the files, the status and the bodies says the same
//	nothing is lost           each acknowledged write is on the live slice, once
//	nothing fails by us       without verdigris, the Engine, the idle slice or its redis the live slice goes on serving
//	nothing is stuck          the operation ends, the mirror comes in step, and the next switch succeeds
//	it is told                while something stands still, doctor's exit code says so

// component is what fails.
type component struct {
	name string
	// container is what to pause, kill or restart; empty for verdigris itself and for the Engine.
	container func(s *site, live deploy.Slice) string
	aside     bool // requests do not pass it while nothing is being switched
}

var components = []component{
	{"edge", func(s *site, _ deploy.Slice) string { return s.shared("edge") }, false},
	{"router", func(s *site, _ deploy.Slice) string { return s.shared("router") }, false},
	{"live web", func(s *site, live deploy.Slice) string { return s.web(live) }, false},
	{"idle web", func(s *site, live deploy.Slice) string { return s.web(live.Other()) }, true},
	{"live redis", func(s *site, live deploy.Slice) string { return s.shared("redis-" + string(live)) }, false},
	{"standby redis", func(s *site, live deploy.Slice) string { return s.shared("redis-" + string(live.Other())) }, true},
	{"verdigris", nil, true},
	{"Engine", nil, true},
}

// moments are when it fails: while nothing is done, or once a switch has come to a phase. Those after the first four are for
// a soak, whose rounds have each part fail in each way at each moment.
var moments = []deploy.Phase{
	"", deploy.PhaseCopy, deploy.PhaseHold, deploy.PhaseWatch,
	deploy.PhaseProbe, deploy.PhaseSettle, deploy.PhaseRoute, deploy.PhaseRelease, deploy.PhaseTurn, deploy.PhaseVerify,
}

// usual is how many of the moments a usual run has.
const usual = 4

// ways are how it fails: each returns how to end that.
var ways = []struct {
	name  string
	began func(m *matrix, c component, live deploy.Slice) (end func())
}{
	{"stands still for 10 s", func(m *matrix, c component, live deploy.Slice) func() { return m.still(c, live, 10*time.Second, true) }},
	{"is killed", (*matrix).killed},
	{"is restarted", (*matrix).restarted},
	{"is slow by 3 s", (*matrix).slow},
}

// matrix is a site under load on which one thing after the other fails.
type matrix struct {
	*site
	line *dockerLine
	book *ledger

	mu     sync.Mutex
	since  time.Time // when the row began
	failed []error
	seen   []deploy.Slice // who has answered since the last look, each change once
}

func TestSite_RoundsOfEachPartFailingInEachWay_NothingIsLostOrStuckAndItIsTold(t *testing.T) {
	for w, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			line := newDockerLine(t)
			m := &matrix{line: line, book: &ledger{}}
			m.site = goodSite(t, watch("duration: 1s, interval: 100ms"), func(s *site) { s.env = []string{"DOCKER_HOST=unix://" + line.path} })
			m.want(m.push(m.commit("second")), deploy.StateSucceeded)
			l := load.Start(context.Background(), load.Plan{
				Workers: []load.Worker{m.uploader(m.book, "writer", 100), m.greeter()}, Watch: m.note,
			})
			count := usual
			if testkit.Soaking() {
				count = len(moments)
			}
			for round := range testkit.Rounds(t, 1) {
				for c, component := range components {
					m.fails(component, moments[(w+c+round)%count], way.began)
				}
			}
			l.Stop()
			live := m.status().Live
			m.accountFor(m.book, live)
			m.sameLists()
		})
	}
}

// greeter asks the site who it is.
func (m *matrix) greeter() load.Requests {
	return load.Requests{
		Kind: "greetings", Every: 10 * time.Millisecond,
		Request: func(int) (*http.Request, error) { return http.NewRequest(http.MethodGet, m.edge("/"), nil) },
		Check: func(x load.Exchange) error {
			said := greeting.FindStringSubmatch(string(x.Body))
			if x.Status != http.StatusOK || said == nil {
				return fmt.Errorf("status %d", x.Status)
			}
			m.mu.Lock()
			defer m.mu.Unlock()
			if who := deploy.Slice(said[1]); len(m.seen) == 0 || m.seen[len(m.seen)-1] != who {
				m.seen = append(m.seen, who)
			}
			return nil
		},
	}
}

func (m *matrix) note(e load.Entry) {
	if e.Err == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if e.Start.Before(m.since) {
		return // it began in the row before, in which what it needs was away
	}
	m.failed = append(m.failed, fmt.Errorf("%s after %s: %w", e.Kind, e.Took.Round(time.Millisecond), e.Err))
}

// took returns what there was since it was last asked.
func (m *matrix) took() (failed []error, seen []deploy.Slice) {
	m.mu.Lock()
	defer m.mu.Unlock()
	failed, seen = m.failed, m.seen
	m.failed, m.seen, m.since = nil, nil, time.Now()
	return failed, seen
}

// fails is one row: it fails at its moment, that ends, and all is as the table says.
func (m *matrix) fails(c component, moment deploy.Phase, began func(*matrix, component, deploy.Slice) func()) {
	t := m.t
	t.Helper()
	before := m.status()
	m.took()
	start := time.Now()
	var d deploy.Deployment
	if moment != "" {
		m.ask(http.MethodPost, "/switch", "", http.StatusAccepted, &d)
		m.untilPhase(d.ID, moment)
	}
	began(m, c, before.Live)()
	state := deploy.State("idle")
	if moment != "" {
		state = m.ended(d.ID).State
	}
	m.healthy()
	now := m.status()
	failed, seen := m.took()
	t.Logf("%s, in %q: %s, %s live, %d requests failed, answers from %v, %s", c.name, moment, state, now.Live, len(failed), seen, time.Since(start).Round(100*time.Millisecond))

	who, _, err := m.whoAnswers()
	if err != nil || who != now.Live || now.Route.Slice != now.Live || !now.Router.Confirmed {
		t.Errorf("%s answers, the status says %s, the router %+v, %v", who, now.Live, now.Router, err)
	}
	if want := order(before.Live, now.Live, state); !follows(seen, want) {
		t.Errorf("%s fails in %q: the answers came from %v, want at most %v", c.name, moment, seen, want)
	}
	if moment == "" && now.Live != before.Live {
		t.Errorf("%s fails: the traffic moved to %s", c.name, now.Live)
	}
	if blameless := c.aside && moment == "" || c.container == nil; blameless && len(failed) > 0 {
		t.Errorf("%s fails in %q: %d requests failed: %v", c.name, moment, len(failed), errors.Join(failed[:min(5, len(failed))]...))
	}
}

// order is from whom answers may come, one after the other.
func order(from, to deploy.Slice, state deploy.State) []deploy.Slice {
	switch {
	case from != to:
		return []deploy.Slice{from, to}
	case state == deploy.StateRolledBack || state == deploy.StateFailed:
		return []deploy.Slice{from, from.Other(), from}
	}
	return []deploy.Slice{from}
}

// follows reports whether what was seen is part of the order.
func follows(seen, order []deploy.Slice) bool {
	for len(order) > 0 && len(seen) > 0 {
		if seen[0] == order[0] {
			seen = seen[1:]
		}
		order = order[1:]
	}
	return len(seen) == 0
}

// still stops everything of a component for a time. told has doctor look meanwhile.
func (m *matrix) still(c component, live deploy.Slice, lasts time.Duration, told bool) (end func()) {
	over := time.After(lasts)
	var goOn func()
	switch {
	case c.container != nil:
		name := c.container(m.site, live)
		goOn = testkit.Pause(m.t, name)
	case c.name == "Engine":
		m.line.setDelay(lasts)
		goOn = func() { m.line.setDelay(0) }
	default:
		testkit.Must(m.t, m.serve.Process.Signal(syscall.SIGSTOP))
		goOn = func() { testkit.Must(m.t, m.serve.Process.Signal(syscall.SIGCONT)) }
	}
	if told {
		if out, code := m.command("doctor"); code == 0 {
			m.t.Errorf("%s stands still, and doctor finds nothing wrong:\n%s", c.name, out)
		}
	}
	return func() { <-over; goOn() }
}

func (m *matrix) slow(c component, live deploy.Slice) (end func()) {
	if c.name == "Engine" {
		m.line.setDelay(3 * time.Second)
		return func() { time.AfterFunc(9*time.Second, func() { m.line.setDelay(0) }) } // three calls
	}
	return m.still(c, live, 3*time.Second, false)
}

func (m *matrix) killed(c component, live deploy.Slice) (end func()) {
	switch {
	case c.container != nil:
		return m.site.killed(c.container(m.site, live))
	case c.name == "Engine":
		m.line.setCut(true)
		return func() { m.line.setCut(false) }
	}
	m.stop(syscall.SIGKILL)
	return m.start
}

func (m *matrix) restarted(c component, live deploy.Slice) (end func()) {
	switch {
	case c.container != nil:
		testkit.Docker(m.t, "restart", "-t", "1", c.container(m.site, live))
		return nothing
	case c.name == "Engine":
		m.line.setCut(true)
		return func() {
			<-time.After(3 * time.Second) // this is how long it is away
			m.line.setCut(false)
		}
	}
	m.stop(syscall.SIGTERM)
	return m.start
}
