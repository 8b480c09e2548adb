package nginx

import (
	"errors"
	"io/fs"
	"os"
	"testing"
	"time"

	"verdigris/deploy"
)

func TestAsk_SaysWhatTheRouterHasInUseWhateverItsFilesSay(t *testing.T) {
	s, blue, green := twoSlices(t, nil)
	want := func(slice deploy.Slice, loaded bool) {
		t.Helper()
		eventually(t, "the workers before are gone", func() bool {
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
	must(t, err)
	now.Route.Slice, now.Generation = deploy.Blue, now.Generation+1
	content, err := renderRoute(s.settings, now.Route)
	must(t, err)
	must(t, writeFile(s.settings.conf(upstreamFile), content))
	want(deploy.Green, false)
}

func TestAsk_RouterStandsStill_IsAnError(t *testing.T) {
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
	eventually(t, "it answers again", func() bool {
		answer, err := s.Ask(t.Context())
		return err == nil && answer.Slice == deploy.Blue && answer.Loaded
	})
}

func TestSign_OfTheLastHold_StaysUntilTheRouterWasReloadedOnceMore(t *testing.T) {
	s, _, green := twoSlices(t, nil)
	h := s.holdTowards(t, green)
	name := h.(*hold).name
	must(t, h.Route(t.Context()))
	must(t, h.Release(t.Context()))
	// A worker that nginx puts in the place of one that was sent away early may still know the hold.
	if there, err := s.says(sign{name, deploy.Green}); err != nil || !there {
		t.Errorf("the sign is gone: %v", err)
	}
	eventually(t, "the sign goes with a later reload", func() bool {
		s.goLive(t, green)
		there, err := s.says(sign{name, deploy.Green})
		return err == nil && !there
	})
}

func TestPrepare_RemovesWhatAKilledVerdigrisWasAboutToTest(t *testing.T) {
	s, _, _ := twoSlices(t, nil)
	old, fresh := s.settings.conf(".upstream.candidate1.conf.1.tmp"), s.settings.conf("upstream.candidate0.conf")
	for _, file := range []string{old, fresh} {
		must(t, os.WriteFile(file, []byte("x"), 0o644))
	}
	before := time.Now().Add(-2 * candidateAge)
	must(t, os.Chtimes(old, before, before))
	_, err := s.Prepare(t.Context())
	must(t, err)
	if _, err := os.Stat(old); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the old one: %v", err)
	}
	if _, err := os.Stat(fresh); err != nil {
		t.Errorf("the fresh one, which another process may be testing: %v", err)
	}
	must(t, os.Remove(fresh))
}
