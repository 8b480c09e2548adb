package deploy_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// pruned waits until old releases were removed but for so many.
func (h *house) pruned(kept int) {
	h.t.Helper()
	testkit.Eventually(h.t, "old releases are removed", func() bool {
		all := h.prunings()
		return len(all) > 0 && len(all[len(all)-1]) == kept
	})
}

func (h *house) prunings() [][]deploy.Commit {
	h.runtime.mu.Lock()
	defer h.runtime.mu.Unlock()
	return slices.Clone(h.runtime.pruned)
}

func TestRun_ReleasesFailOneAfterTheOther_WhatTheyLeftIsRemoved(t *testing.T) {
	h := newHouse(t).blueLive()
	h.runtime.build = func(context.Context) error { return errors.New("it does not compile") }
	before := len(h.prunings())
	equal(t, "state", string(h.deploy("", commitB, true).State), "aborted")
	equal(t, "state", string(h.deploy("", commitC, true).State), "aborted")
	testkit.Eventually(t, "old releases are removed after each", func() bool { return len(h.prunings()) == before+2 })
	last := h.prunings()[before+1]
	if !slices.Contains(last, commitA) || !slices.Contains(last, commitC) || slices.Contains(last, commitB) {
		t.Errorf("%v are kept", last)
	}
}

func TestRun_DiskIsFull_RemovesOldReleasesAndTriesOnceMore(t *testing.T) {
	h := newHouse(t).blueLive()
	full, builds := true, 0
	h.runtime.build = func(context.Context) error {
		if builds++; full {
			full = false
			return errors.New("write /var/lib/docker/x: no space left on device")
		}
		return nil
	}
	before := len(h.prunings())
	d := h.deploy("", commitB, true)
	equal(t, "state", string(d.State), "succeeded")
	if n := len(h.prunings()); builds != 2 || n != before+2 { // the other is that at the end
		t.Errorf("%d builds, old releases removed %d times", builds, n-before)
	}
	h.runtime.build = func(context.Context) error { builds++; return errors.New("no space left on device") }
	builds = 0
	equal(t, "still full", string(h.deploy("", commitC, true).State), "aborted")
	if builds != 2 {
		t.Errorf("%d builds on a disk that stays full", builds)
	}
}
