package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// detail is what a phase said that it did.
func detail(d deploy.Deployment, p deploy.Phase) string {
	for _, r := range d.Phases {
		if r.Phase == p {
			return r.Detail
		}
	}
	return ""
}

func TestTheTurnTellsHowTheDataStands(t *testing.T) {
	late := func(n int) (keys []string) {
		for i := range n {
			keys = append(keys, fmt.Sprintf("k%d", i))
		}
		return keys
	}
	for _, c := range []struct {
		mirroring bool
		late      []string
		want      string
	}{
		{true, nil, "blue's redis is fenced; no late writes"},
		{false, nil, "no late writes"},
		{false, late(1), "1 key was written on blue after the copy: k0; the value of green counts"},
		{false, late(12), "12 keys were written on blue after the copy: k0, k1, k2, k3, k4, k5, k6, k7, k8, k9 and 2 more; the values of green count"},
	} {
		h := newHouse(t, func(a *deploy.App, _ *house) { a.Mirroring = c.mirroring }).blueLive()
		if !c.mirroring { // fencing: off, too
			h.data.turn = func(deploy.Slice) ([]string, error) { return c.late, nil }
		}
		want := c.want
		if c.mirroring {
			want = "blue follows green; " + want
		}
		equal(t, "turn", detail(h.deploy("", commitB, true), deploy.PhaseTurn), want)
	}
}

func TestATurnThatFailsIsToldAndDoesNotSpoilTheCutover(t *testing.T) {
	h := newHouse(t).blueLive()
	h.data.turn = func(deploy.Slice) ([]string, error) { return nil, errors.New("redis of blue does not answer") }
	d := h.deploy("", commitB, true)
	equal(t, "state", string(d.State), "succeeded")
	equal(t, "phases", phases(d), "fetch build start probe copy hold settle route release turn:failed verify watch keep")
	equal(t, "data", h.data.called(), "open:green begin:blue>green copy settle turn close mirror:green")
}

func TestASliceThatCannotBeOpenedIsNotStarted(t *testing.T) {
	h := newHouse(t).blueLive()
	h.data.open = func(context.Context, deploy.Slice) error { return errors.New("redis of green does not answer") }
	d := h.deploy("", commitB, true)
	equal(t, "state", string(d.State), "aborted")
	equal(t, "phases", phases(d), "fetch build start:failed")
	equal(t, "runtime", h.runtime.called(), "build:green")
	contains(t, "reason", d.Error.Reason, "let green write to its data", "redis of green does not answer")
}

func TestStagingHasNoDataToOpen(t *testing.T) {
	h := newHouse(t).blueLive()
	h.deploy(deploy.Staging, commitC, false)
	equal(t, "data", h.data.called(), "")
}

func TestATransferIsClosedAfterAPanicToo(t *testing.T) {
	h := newHouse(t).blueLive()
	h.data.copy = func(deploy.Slice) error {
		runtime.Goexit() // unwinds as a panic does, and leaves the test alive
		return nil
	}
	if _, err := h.Deploy(context.Background(), "shop", deploy.DeployRequest{Commit: commitB, Promote: true}); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the transfer is closed", func() bool { return strings.HasSuffix(h.data.called(), "copy close mirror:blue") })
}

func TestWritesOfTheOldSliceDuringTheWatchAreToldOnce(t *testing.T) {
	h := newHouse(t).blueLive()
	h.router.get = func(s deploy.Slice) (int, error) {
		if s == deploy.Green {
			h.data.stray(deploy.Blue, "images")
		}
		return 200, nil
	}
	d := h.deploy("", commitB, true)
	equal(t, "state", string(d.State), "succeeded")
	events, err := h.journal.Events(t.Context(), d.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, e := range events {
		if e.Type == deploy.EventProgress && e.Phase == deploy.PhaseWatch {
			equal(t, "progress", e.Message, "blue wrote selected keys after the cutover: images")
			told++
		}
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}

func TestTheRecordSaysWhatACutoverMeantForRequests(t *testing.T) {
	h := newHouse(t).blueLive()
	h.router.drain = func(context.Context) (int, error) { return 3, nil }
	d := h.deploy("", commitB, true)
	equal(t, "hold", detail(d, deploy.PhaseHold), "3 requests stay on blue until they end")
	equal(t, "release", detail(d, deploy.PhaseRelease), "3 requests waited, at most 12 ms")
	if d.Stayed != 3 || d.Held != 3 || d.LongestHold != 12 {
		t.Errorf("stayed %d, held %d, longest %d ms", d.Stayed, d.Held, d.LongestHold)
	}
}

func TestTheRecordSaysHowManyWaitedForACutoverThatWasCalledOff(t *testing.T) {
	h := newHouse(t).blueLive()
	h.data.settle = func(deploy.Slice) error { return deploy.ErrDataDiffers }
	d := h.deploy("", commitB, true)
	equal(t, "state", string(d.State), "aborted")
	if d.Held != 3 || d.LongestHold != 12 {
		t.Errorf("held %d, longest %d ms", d.Held, d.LongestHold)
	}
}
