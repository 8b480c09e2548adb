package compose

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"verdigris/internal/testkit"
)

func TestPausesGrowAndStayBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pauses []time.Duration
		b := backoff{attempts: 6, first: time.Second, most: 5 * time.Second}
		begun, tries := time.Now(), 0
		err := b.retry(t.Context(), func() error { tries++; return errors.New("no") },
			func(error) (time.Duration, bool) { return 0, true },
			func(_ error, pause time.Duration) { pauses = append(pauses, pause) })
		testkit.ErrorContains(t, err, "no")
		planned := []time.Duration{1, 2, 4, 5, 5}
		if tries != 6 || len(pauses) != len(planned) {
			t.Fatalf("%d attempts, pauses %v", tries, pauses)
		}
		total := time.Duration(0)
		for i, pause := range pauses {
			total += pause
			if least := planned[i] * time.Second; pause < least || pause > least+least/5 {
				t.Errorf("pause %d is %s", i+1, pause)
			}
		}
		if waited := time.Since(begun); waited != total {
			t.Errorf("it waited %s in all, and said %s", waited, total)
		}
	})
}

func TestAPauseIsAsLongAsTheOtherSideAsksFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := backoff{attempts: 3, first: time.Second, most: 10 * time.Second}
		asked, pauses := []time.Duration{4 * time.Second, time.Hour}, []time.Duration{}
		b.retry(t.Context(), func() error { return errors.New("no") },
			func(error) (time.Duration, bool) { return asked[len(pauses)], true },
			func(_ error, pause time.Duration) { pauses = append(pauses, pause) })
		if !slices.Equal(pauses, []time.Duration{4 * time.Second, 10 * time.Second}) {
			t.Errorf("pauses are %v", pauses)
		}
	})
}

func TestACancelledPauseEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		begun := time.Now()
		err := backoff{attempts: 5, first: time.Hour, most: time.Hour}.retry(ctx, func() error { return errors.New("no") },
			func(error) (time.Duration, bool) { return 0, true },
			func(error, time.Duration) { time.AfterFunc(time.Second, cancel) })
		if !errors.Is(err, context.Canceled) || time.Since(begun) != time.Second {
			t.Errorf("after %s: %v", time.Since(begun), err)
		}
	})
}
