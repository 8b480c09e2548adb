package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
	"verdigris/test/load"
)

// witness asks the site all the time who it is, and notes each answer that is not the live slice's. That the site does not
// answer is none of its business.
type witness struct {
	wrong []string
	end   context.CancelFunc
	over  sync.WaitGroup
}

func (s *site) witness(slice deploy.Slice, commit string) *witness {
	ctx, cancel := context.WithCancel(context.Background())
	w := &witness{end: cancel}
	w.over.Go(func() {
		for ctx.Err() == nil {
			who, release, err := s.whoAnswers()
			if err == nil && (who != slice || !strings.HasPrefix(commit, release)) {
				w.wrong = append(w.wrong, fmt.Sprintf("%s with %.8s at %s", who, release, time.Now().Format("15:04:05.000")))
			}
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond): // between two questions
			}
		}
	})
	return w
}

// stop returns the wrong answers.
func (w *witness) stop() []string {
	w.end()
	w.over.Wait()
	return w.wrong
}

// all are the containers of the site.
func (s *site) all() []string {
	return []string{s.shared("edge"), s.shared("router"), s.shared("redis-blue"), s.shared("redis-green"), s.web(deploy.Blue), s.web(deploy.Green)}
}

// reboot kills everything at once and starts it in a random order, verdigris before or after the containers. It returns how
// long everything took to be right since the last of it was started.
func (s *site) reboot(r *rand.Rand, verdigrisFirst bool, right func() error) time.Duration {
	s.t.Helper()
	s.stop(syscall.SIGKILL)
	testkit.Docker(s.t, append([]string{"kill"}, s.all()...)...)
	order := s.all()
	r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	if verdigrisFirst {
		s.launch()
	}
	for _, container := range order {
		testkit.Docker(s.t, "start", container)
	}
	if !verdigrisFirst {
		s.launch()
	}
	began := time.Now()
	s.connect()
	testkit.Within(s.t, testkit.Patience, "everything is right after the start of "+strings.Join(order, ", "), right)
	return time.Since(began)
}

func TestSite_RoundsOfReboots_AnswerFromTheLiveSliceOrNotAtAll(t *testing.T) {
	s := goodSite(t)
	second := s.commit("second")
	s.want(s.push(second), deploy.StateSucceeded)
	r := testkit.Random(t)
	book := &ledger{}
	l := load.Start(context.Background(), load.Plan{Workers: []load.Worker{s.uploader(book, "writer", 100)}})
	witness := s.witness(deploy.Green, second)
	right := func() error {
		status := s.status()
		if m := status.Mirror; !status.Router.Confirmed || m.State != deploy.MirrorInStep || m.From != deploy.Green || m.Fenced != deploy.Blue {
			return fmt.Errorf("the router: %+v, the mirror: %+v", status.Router, m)
		}
		return nil
	}
	for round := range testkit.Rounds(t, 3) {
		written := len(book.all())
		took := s.reboot(r, round%2 == 0, right)
		t.Logf("all is right after %s", took.Round(10*time.Millisecond))
		testkit.Eventually(t, "writes go on", func() bool { return len(book.all()) > written })
	}
	l.Stop()
	for _, wrong := range witness.stop() {
		t.Errorf("the site was answered by %s, which is not live", wrong)
	}
	s.answersFrom(deploy.Green, second)
	s.accountFor(book, deploy.Green)
	s.sameLists()
	s.want(s.order("/switch", ""), deploy.StateSucceeded)
	s.want(s.order("/switch", ""), deploy.StateSucceeded)
}
