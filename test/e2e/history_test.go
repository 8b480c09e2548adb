package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/test/history"
	"verdigris/test/load"
)

// albums lets the gallery's albums move with the traffic, as the pictures on its wall do.
func albums(s *site) { s.replace("verdigris.yml", "keys: [images]", `keys: [images, "images:*"]`) }

// shortWatch makes cutovers follow each other quickly.
func shortWatch(s *site) {
	s.replace("verdigris.yml", "watch: {duration: 1s,", "watch: {duration: 100ms,")
}

func TestPushesAndPopsOverSwitchesAndRollbacksAreLinearizable(t *testing.T) {
	s := newSite(t, albums, shortWatch).blueLive()
	s.want(s.push(s.commit("second")), deploy.StateSucceeded)
	g := &history.Gallery{URL: s.edge(""), History: &history.History{}, Every: 5 * time.Millisecond}
	var names []string
	var workers []load.Worker
	for i := range 3 {
		name := fmt.Sprintf("album-%d", i)
		names = append(names, name)
		workers = append(workers, g.Pusher(name), g.Pusher(name), g.Popper(name), g.Peeker(name))
	}
	l := load.Start(context.Background(), load.Plan{Workers: workers})
	s.toAndFro(5)
	s.noneFailed(l.Stop())
	for _, name := range names {
		if err := g.Drain(context.Background(), name); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.History.Check(5 * time.Minute); err != nil {
		t.Error(err)
	}
}
