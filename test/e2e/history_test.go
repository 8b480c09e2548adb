package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
	"verdigris/test/history"
	"verdigris/test/load"
)

func TestSite_RoundsOfPushesAndPopsOverCutovers_AreLinearizable(t *testing.T) {
	s := goodSite(t)
	s.want(s.push(s.commit("second")), deploy.StateSucceeded)
	for range testkit.Rounds(t, 1) {
		s.linearizable()
	}
}

// linearizable fails unless what was pushed to some albums, and popped from them, during six cutovers could have
// happened one thing after another.
func (s *site) linearizable() {
	s.t.Helper()
	g := &history.Gallery{URL: s.edge(""), History: &history.History{}, Every: 5 * time.Millisecond}
	var names []string
	var workers []load.Worker
	for i := range 3 {
		name := fmt.Sprintf("album-%d", i)
		names = append(names, name)
		workers = append(workers, g.Pusher(name), g.Pusher(name), g.Popper(name), g.Peeker(name))
	}
	l := load.Start(context.Background(), load.Plan{Workers: workers})
	for range 3 {
		s.toAndFro()
	}
	s.noneFailed(l.Stop())
	for _, name := range names {
		if err := g.Drain(context.Background(), name); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := g.History.Check(5 * time.Minute); err != nil {
		s.t.Error(err)
	}
}
