package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
	"verdigris/test/load"
)

// ledger remembers which uploads were acknowledged.
type ledger struct {
	mu    sync.Mutex
	acked []string
}

func (l *ledger) add(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked = append(l.acked, id)
}

// all are the ids that were acknowledged so far.
func (l *ledger) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.acked)
}

// uploader pushes numbered pictures of the size and enters those that were acknowledged.
func (s *site) uploader(l *ledger, name string, size int) load.Requests {
	id := func(i int) string { return fmt.Sprintf("%s-%06d;", name, i) }
	return load.Requests{
		Every:   5 * time.Millisecond,
		Request: func(i int) (*http.Request, error) { return load.Post(s.edge("/upload"), picture(id(i)), size) },
		Check: func(x load.Exchange) error {
			if x.Status != http.StatusCreated {
				return fmt.Errorf("status %d: %s", x.Status, x.Body)
			}
			l.add(id(x.I))
			return nil
		},
	}
}

func (s *site) reader() load.Requests {
	return load.Requests{
		Every:   5 * time.Millisecond, // sixteen without a pause would keep both processors busy, and cutovers waiting
		Request: func(int) (*http.Request, error) { return http.NewRequest(http.MethodGet, s.edge("/health"), nil) },
	}
}

func TestSite_RoundsOfSwitchesUnderLoad_FailNoRequestAndLoseNoWrite(t *testing.T) {
	s := goodSite(t)
	s.want(s.push(s.commit("second")), deploy.StateSucceeded)
	book := &ledger{}
	big := s.uploader(book, "big", 2<<20)
	big.Every = time.Second
	workers := []load.Worker{s.uploader(book, "small-a", 10), s.uploader(book, "small-b", 1000), big}
	for range 16 {
		workers = append(workers, s.reader())
	}
	l := load.Start(context.Background(), load.Plan{Workers: workers})
	for range testkit.Rounds(t, 3) {
		s.toAndFro()
	}
	s.noneFailed(l.Stop())
	live := deploy.Green // back where it began
	s.serves(live)
	s.accountFor(book, live)
}

// toAndFro moves the traffic to the other slice and back, and returns how many requests stayed behind.
func (s *site) toAndFro() (stayed int) {
	s.t.Helper()
	for _, path := range []string{"/switch", "/rollback"} {
		stayed += s.want(s.order(path, ""), deploy.StateSucceeded).Stayed
	}
	return stayed
}

// noneFailed logs what a load did, and fails if a request of it failed.
func (s *site) noneFailed(report load.Report) {
	s.t.Helper()
	s.t.Log(report)
	if report.Failed() > 0 {
		s.t.Errorf("%d requests failed", report.Failed())
	}
}

// accountFor fails unless each acknowledged upload is in the slice's list exactly once, and each writer's are in order.
func (s *site) accountFor(book *ledger, slice deploy.Slice) {
	s.t.Helper()
	var stored []string
	for _, image := range s.images(slice) {
		id, _, _ := strings.Cut(strings.TrimPrefix(image, "GIF89a"), ";")
		stored = append(stored, id+";")
	}
	count := map[string]int{}
	for _, id := range stored {
		count[id]++
	}
	for _, id := range book.acked {
		if count[id] != 1 {
			s.t.Errorf("%s was acknowledged and is there %d times", id, count[id])
		}
	}
	last := map[string]string{}
	if !inOrder(stored, last) {
		slices.Reverse(stored) // the list may be pushed at either end
		if !inOrder(stored, map[string]string{}) {
			s.t.Error("a writer's uploads are out of order")
		}
	}
	if len(book.acked) == 0 {
		s.t.Error("nothing was written during the test")
	}
}

func inOrder(ids []string, last map[string]string) bool {
	for _, id := range ids {
		writer := id[:strings.LastIndex(id, "-")]
		if last[writer] > id {
			return false
		}
		last[writer] = id
	}
	return true
}

// untilPhase waits until a deployment has begun a phase or has ended.
func (s *site) untilPhase(id int64, p deploy.Phase) {
	s.t.Helper()
	testkit.Within(s.t, time.Minute, fmt.Sprintf("deployment %d reaches %s", id, p), func() error {
		var d deploy.Deployment
		s.ask(http.MethodGet, fmt.Sprintf("/deployments/%d", id), "", http.StatusOK, &d)
		if d.State.Ended() || slices.ContainsFunc(d.Phases, func(r deploy.PhaseRecord) bool { return r.Phase == p }) {
			return nil
		}
		return fmt.Errorf("it is %s in %d phases", d.State, len(d.Phases))
	})
}
