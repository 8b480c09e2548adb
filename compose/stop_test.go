package compose

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// chain is web and stubborn before api before db. Each notes the signal that ends it, but stubborn hears none.
var chain = `
services:
  web: {image: "` + debian + `", network_mode: none, command: ` + diarist + `, environment: {NAME: web}, volumes: ["./events:/events"], depends_on: [api]}
  stubborn: {image: "` + debian + `", network_mode: none, command: [bash, -c, 'trap "" TERM; sleep infinity'], stop_grace_period: 1s, depends_on: [api]}
  api: {image: "` + debian + `", network_mode: none, command: ` + diarist + `, environment: {NAME: api}, volumes: ["./events:/events"], depends_on: [db], stop_signal: SIGUSR1}
  db: {image: "` + debian + `", network_mode: none, command: ` + diarist + `, environment: {NAME: db}, volumes: ["./events:/events"], stop_signal: SIGINT, stop_grace_period: 30s}
`

func TestRuntime_StopAndReplace_HonourSignalsGraceAndOrder(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, chain)
	s.write("events/log", "")
	s.up(commitA)
	s.diarists(3)
	t.Run("what is replaced is stopped before what it depends on", func(t *testing.T) {
		s.write("blue.yml", strings.NewReplacer("NAME: web", "NAME: web, X: y", "NAME: db", "NAME: db, X: y").Replace(chain))
		s.up(commitA)
		if got, want := s.diary(), []string{"web TERM", "db INT"}; !slices.Equal(got, want) {
			t.Errorf("the containers noted %q, want %q", got, want)
		}
	})
	s.diarists(2)
	s.said()
	testkit.Must(t, s.Stop(t.Context(), deploy.Blue, s.log))
	if got, want := s.diary(), []string{"web TERM", "api USR1", "db INT"}; !slices.Equal(got, want) {
		t.Errorf("the containers noted %q, want %q", got, want)
	}
	project, told := s.settings.Project(deploy.Blue), s.said()
	place := func(text string) int {
		t.Helper()
		i := strings.Index(told, strings.ReplaceAll(text, "PROJECT", project))
		if i < 0 {
			t.Errorf("%q is not told:\n%s", text, told)
		}
		return i
	}
	if place("stopped PROJECT-stubborn-1 in ") > place("stop PROJECT-api-1 (grace 10 s)") || place("stop PROJECT-db-1 (grace 30 s)") < place("stopped PROJECT-api-1") {
		t.Errorf("a level did not wait for the one above it:\n%s", told)
	}
	if place("stop PROJECT-web-1 (grace 10 s)") > place("stopped PROJECT-stubborn-1") {
		t.Errorf("one level was stopped one after the other:\n%s", told)
	}
}

func TestAStopThatIsCalledOffCanBeRepeated(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, chain)
	s.write("events/log", "")
	s.up(commitA)
	s.diarists(3)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := s.Stop(ctx, deploy.Blue, func(line string, _ ...deploy.Step) {
		if strings.Contains(line, "-stubborn-1 (grace") {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if status := s.observe(); len(status.Containers) < 2 {
		t.Errorf("left are %+v", status.Containers)
	}
	testkit.Must(t, s.Stop(t.Context(), deploy.Blue, s.log))
	if left := leftovers(t, e, s.settings.App); len(left) > 0 {
		t.Errorf("left are %q", left)
	}
	if got := s.diary(); got[len(got)-1] != "db INT" {
		t.Errorf("the containers noted %q", got)
	}
}

// Containers of two releases may together claim a cycle.
func TestACycleInLabelsDoesNotHangTheStop(t *testing.T) {
	done := make(chan [][]string, 1)
	go func() {
		done <- levels(servicesOf([]found{
			{service: "a", labels: map[string]string{labelDependsOn: "b:service_started:false"}},
			{service: "b", labels: map[string]string{labelDependsOn: "a:service_started:false"}},
		}))
	}()
	select {
	case got := <-done:
		if all := slices.Concat(got...); len(all) != 2 {
			t.Errorf("levels are %q", got)
		}
	case <-time.After(testkit.Patience):
		t.Fatal("no answer")
	}
	if got := levels(types.Services{}); len(got) != 0 {
		t.Errorf("levels of nothing are %q", got)
	}
}
