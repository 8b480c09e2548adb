package nginx

import (
	"errors"
	"io/fs"
	"os"
	"testing"
	"time"

	"verdigris/deploy"

	"verdigris/internal/testkit"
)

func TestAsk_SaysWhatTheRouterHasInUseWhateverItsFilesSay(t *testing.T) {
	t.Parallel()
	s, blue, green := twoSlices(t, nil)
	want := func(slice deploy.Slice, loaded bool) {
		t.Helper()
		testkit.Eventually(t, "the workers before are gone", func() bool {
			answer, err := s.Ask(t.Context())
			return err == nil && answer.Slice == slice && answer.Loaded == loaded
		})
	}
	s.goLive(t, blue)
	want(deploy.Blue, true)
	s.cutover(t, blue, green)
	want(deploy.Green, true)

	// As after a crash between the file and its reload.
	now, err := s.truth()
	testkit.Must(t, err)
	now.Route.Slice, now.Generation = deploy.Blue, now.Generation+1
	content, err := renderRoute(s.settings, now.Route)
	testkit.Must(t, err)
	testkit.Must(t, writeFile(s.settings.conf(upstreamFile), content))
	want(deploy.Green, false)
}

func TestAsk_RouterStandsStill_IsAnError(t *testing.T) {
	t.Parallel()
	s, blue, _ := twoSlices(t, nil)
	s.goLive(t, blue)
	undo := s.stand(t)
	began := time.Now()
	if answer, err := s.Ask(t.Context()); err == nil {
		t.Errorf("it answers %+v", answer)
	}
	if took := time.Since(began); took > patience {
		t.Errorf("that took %s", took)
	}
	undo()
	testkit.Eventually(t, "it answers again", func() bool {
		answer, err := s.Ask(t.Context())
		return err == nil && answer.Slice == deploy.Blue && answer.Loaded
	})
}

func TestSign_OfTheLastHold_StaysUntilTheRouterWasReloadedOnceMore(t *testing.T) {
	t.Parallel()
	s, _, green := twoSlices(t, nil)
	h := s.holdTowards(t, green)
	name := h.(*hold).name
	testkit.Must(t, h.Route(t.Context()))
	testkit.Must(t, h.Release(t.Context()))
	// A worker that nginx puts in the place of one that was sent away early may still know the hold.
	if there, err := s.says(sign{name, deploy.Green}); err != nil || !there {
		t.Errorf("the sign is gone: %v", err)
	}
	testkit.Eventually(t, "the sign goes with a later reload", func() bool {
		s.goLive(t, green)
		there, err := s.says(sign{name, deploy.Green})
		return err == nil && !there
	})
}

func TestPrepare_RemovesWhatAKilledVerdigrisWasAboutToTest(t *testing.T) {
	t.Parallel()
	s, _, _ := twoSlices(t, nil)
	old, fresh := s.settings.conf(".upstream.candidate1.conf.1.tmp"), s.settings.conf("upstream.candidate0.conf")
	for _, file := range []string{old, fresh} {
		testkit.Must(t, os.WriteFile(file, []byte("x"), 0o644))
	}
	before := time.Now().Add(-2 * candidateAge)
	testkit.Must(t, os.Chtimes(old, before, before))
	_, err := s.Prepare(t.Context())
	testkit.Must(t, err)
	if _, err := os.Stat(old); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the old one: %v", err)
	}
	if _, err := os.Stat(fresh); err != nil {
		t.Errorf("the fresh one, which another process may be testing: %v", err)
	}
	testkit.Must(t, os.Remove(fresh))
}
