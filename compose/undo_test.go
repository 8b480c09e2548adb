package compose

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestExecution_CleanUpOfManySlowSteps_GivesEachItsOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := &execution{Runtime: &Runtime{CleanupTimeout: time.Minute}}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		for step := range 3 {
			err := x.inOwnTime(ended, func(ctx context.Context) error { return pause(ctx, 50*time.Second) })
			if err != nil {
				t.Errorf("step %d: %v", step, err)
			}
		}
		if err := x.inOwnTime(ended, func(ctx context.Context) error { return pause(ctx, time.Hour) }); err == nil {
			t.Error("a step may take for ever")
		}
	})
}
