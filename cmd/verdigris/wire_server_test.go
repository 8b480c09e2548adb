package main

import (
	"errors"
	"testing"
	"time"

	"verdigris/deploy"
)

func TestMirrored_BrokenForLonger_IsNotReady(t *testing.T) {
	now := time.Now()
	broken := func(on bool, since time.Duration) deploy.Mirroring {
		return deploy.Mirroring{On: on, Mirror: deploy.MirrorStatus{State: deploy.MirrorBroken, Since: now.Add(-since), Reason: "came back with less"}}
	}
	for name, c := range map[string]struct {
		m    deploy.Mirroring
		err  error
		want string
	}{
		"in step":            {m: deploy.Mirroring{On: true, Mirror: deploy.MirrorStatus{State: deploy.MirrorInStep}}},
		"broken just now":    {m: broken(true, time.Second)},
		"broken":             {m: broken(true, 2*brokenFor), want: "came back with less"},
		"broken, and off":    {m: broken(false, 2*brokenFor)},
		"no data":            {err: &deploy.ConflictError{Reason: "there is none"}},
		"cannot be told now": {err: errors.New("away"), want: "away"},
	} {
		got := ""
		if err := mirrored(c.m, c.err, now); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
