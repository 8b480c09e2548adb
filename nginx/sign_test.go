package nginx

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"verdigris/deploy"

	"verdigris/internal/testkit"
)

// stand stops all processes of the router where they are, until undo is called.
func (s *site) stand(t *testing.T) (undo func()) {
	t.Helper()
	group := -s.router.cmd.Process.Pid
	testkit.Must(t, syscall.Kill(group, syscall.SIGSTOP))
	undo = func() { _ = syscall.Kill(group, syscall.SIGCONT) } // it may have ended
	t.Cleanup(undo)
	return undo
}

// dies makes a hold's verdigris one that was killed: nobody answers at the gate any more.
func dies(t *testing.T, h deploy.Hold) {
	t.Helper()
	testkit.Must(t, h.(*hold).gate.close(background(t)))
}

// filesSay fails unless the files name the slice.
func (s *site) filesSay(t *testing.T, slice deploy.Slice) {
	t.Helper()
	if route, err := s.Current(t.Context()); err != nil || route.Slice != slice {
		t.Fatalf("the files say %q instead of %s, %v", route.Slice, slice, err)
	}
}

// The states in which a cutover from blue to green may be cut off, and the slice that is live then.
var cutOffStates = []struct {
	name  string
	live  deploy.Slice
	reach func(t *testing.T, s *site, h deploy.Hold)
}{
	{"held", deploy.Blue, func(*testing.T, *site, deploy.Hold) {}},
	{"routed", deploy.Green, func(t *testing.T, _ *site, h deploy.Hold) { testkit.Must(t, h.Route(t.Context())) }},
	{"taken back", deploy.Blue, func(t *testing.T, s *site, h deploy.Hold) {
		unveil := s.veilAfter(t, h)
		s.ReloadTimeout = 200 * time.Millisecond
		if err := h.Route(t.Context()); err == nil || errors.Is(err, deploy.ErrRouteRefused) {
			t.Fatalf("Route: %v", err)
		}
		unveil()
		s.ReloadTimeout = patience
	}},
	{"released", deploy.Green, func(t *testing.T, _ *site, h deploy.Hold) {
		testkit.Must(t, h.Route(t.Context()))
		testkit.Must(t, h.Release(t.Context()))
	}},
	{"aborted", deploy.Blue, func(t *testing.T, _ *site, h deploy.Hold) { testkit.Must(t, h.Abort(t.Context())) }},
}

func TestHold_RouterStartedFromTheFilesInAnyState_AnswersFromTheSliceThatTheyName(t *testing.T) {
	t.Parallel()
	for _, state := range cutOffStates {
		t.Run(state.name, func(t *testing.T) {
			s, _, green := twoSlices(t, nil)
			h := s.holdTowards(t, green)
			state.reach(t, s, h)
			dies(t, h)
			s.filesSay(t, state.live)
			s.answersFrom(t, state.live)
			s.router.kill()
			s.startRouter(t)
			s.answersFrom(t, state.live)
			again, err := New(s.settings, s.Process, s.Clients)
			testkit.Must(t, err)
			again.ReloadTimeout = patience
			prepared, err := again.Prepare(t.Context())
			testkit.Must(t, errors.Join(err, prepared.HoldLeft))
			s.filesSay(t, state.live)
			s.answersFrom(t, state.live)
		})
	}
}

func TestHold_RouterStandsStillInAnyState_GoesOnWithTheSliceThatTheFilesName(t *testing.T) {
	t.Parallel()
	for _, state := range cutOffStates {
		t.Run(state.name, func(t *testing.T) {
			s, _, green := twoSlices(t, nil)
			h := s.holdTowards(t, green)
			state.reach(t, s, h)
			dies(t, h)
			undo := s.stand(t)
			again, err := New(s.settings, s.Process, s.Clients)
			testkit.Must(t, err)
			again.ReloadTimeout, again.TestTimeout = time.Second, patience
			s.ReloadTimeout = time.Second       // of the clean-up, which confirms nothing either
			_, err = again.Prepare(t.Context()) // what cannot be confirmed is no reason not to start
			testkit.Must(t, err)
			s.filesSay(t, state.live)
			undo()
			s.answersFrom(t, state.live)
		})
	}
}

func TestRoute_RouterStandsStill_IsTakenBackWithoutIt(t *testing.T) {
	t.Parallel()
	s, blue, green := twoSlices(t, nil)
	h := s.holdTowards(t, green).(*hold)
	undo := s.stand(t)
	s.ReloadTimeout = time.Second
	// What Route does once it has seen the router answer; it stands still from then on.
	moved, err := s.turn(sign{h.name, deploy.Blue}, deploy.Green)
	testkit.Must(t, err)
	h.isRouted = moved
	s.filesSay(t, deploy.Green)
	if err := h.confirm(t.Context()); err == nil {
		t.Error("a router that stands still was taken for turned")
	}
	testkit.Must(t, h.turnBack())
	s.filesSay(t, deploy.Blue)
	if err := h.Abort(t.Context()); err == nil {
		t.Error("a router that stands still was taken for confirmed")
	}
	undo()
	s.answersFrom(t, deploy.Blue)
	s.ReloadTimeout = patience
	s.cutover(t, blue, green)
	s.answersFrom(t, deploy.Green)
}

func TestCurrent_ReadAllTheTimeDuringCutovers_NeverGoesBack(t *testing.T) {
	t.Parallel()
	s, blue, green := twoSlices(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	read := make(chan []deploy.Slice)
	go func() {
		var order []deploy.Slice
		for ctx.Err() == nil {
			route, err := s.Current(ctx)
			if err != nil {
				route.Slice = deploy.Slice(err.Error())
			}
			if len(order) == 0 || order[len(order)-1] != route.Slice {
				order = append(order, route.Slice)
			}
		}
		read <- order
	}()
	want := []deploy.Slice{deploy.Blue}
	from, to := blue, green
	for range 10 {
		s.cutover(t, from, to)
		want = append(want, to.slice)
		from, to = to, from
	}
	cancel()
	if got := <-read; !slices.Equal(got, want) {
		t.Errorf("the files said %v", got)
	}
}

func TestSign_OfAnEarlierHoldThatAWorkerStillKnows_SaysTheLiveSlice(t *testing.T) {
	t.Parallel()
	s, blue, green, _ := twoTalkative(t)
	stays := s.streams(t, 1) // its worker stays too, and knows the first hold's sign
	move := func(to *backend, stay int) {
		h := s.holdTowards(t, to)
		wantLeft(t, drainInBackground(t, h), stay)
		testkit.Must(t, h.Route(t.Context()))
		testkit.Must(t, h.Release(t.Context()))
	}
	signs := func() []string {
		files, err := filepath.Glob(s.settings.conf(anySign))
		testkit.Must(t, err)
		return files
	}
	move(green, 1)
	move(blue, 0) // it is from blue
	left := signs()
	for _, file := range left {
		if old, ok := parseSign(file); !ok || old.slice != deploy.Blue {
			t.Errorf("%s was left behind", file)
		}
	}
	if len(left) == 0 {
		t.Error("the signs went although a worker knows them")
	}
	stays[0].echo(t, "still", "blue still")
	stays[0].Close()
	testkit.Eventually(t, "the signs go with the last worker that knows them", func() bool {
		s.goLive(t, blue)
		return len(signs()) == 0
	})
}

func TestTruth_HoldFromBeforeThereWereSigns_IsRead(t *testing.T) {
	t.Parallel()
	line := `# verdigris: {"slice":"blue","endpoints":[],"generation":7,"next":"green"}`
	got, err := parseTruth([]byte(line + "\n"))
	testkit.Must(t, err)
	if got.Slice != deploy.Blue || got.Next != deploy.Green || got.Hold != "" {
		t.Errorf("it says %+v", got)
	}
	for _, wrong := range []string{
		`{"slice":"blue","next":"green","hold":"H"}`,
		`{"slice":"blue","next":"green","hold":"H","to":{"slice":"blue"}}`,
		`{"slice":"blue","next":"staging","hold":"H","to":{"slice":"staging"}}`,
	} {
		if got, err := parseTruth(fmt.Appendf(nil, "# verdigris: %s\n", wrong)); err == nil {
			t.Errorf("%s was read as %+v", wrong, got)
		}
	}
}
