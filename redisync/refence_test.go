package redisync

import (
	"strings"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// takesNoWrites fails unless the app of a slice is kept from writing, as the status says too.
func takesNoWrites(t *testing.T, d *Data, slice deploy.Slice, s *testServer) {
	t.Helper()
	testkit.Eventually(t, "the slice is fenced", func() bool {
		return d.Mirrored().Fenced == slice && refusedAs(s.Set(t.Context(), "cart:late", "x", 0).Err(), "NOPERM")
	})
}

func TestFence_RedisRestarts_IsThereAgain(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t, "--appendonly", "yes"), startRedis(t, "--appendonly", "yes")
	blue.do(t, "SET", "cart:1", "one")
	d := startedMirror(t, newData(t, blue, green, "cart:*"))
	cutOver(t, d, deploy.Blue, func(settle func()) { settle() })
	takesNoWrites(t, d, deploy.Blue, blue)
	blue.restart(t)
	testkit.Must(t, blue.Set(t.Context(), "cart:1", "by its app", 0).Err()) // before anybody has noticed
	takesNoWrites(t, d, deploy.Blue, blue)
	inStep(t, d)
	if kept := d.Mirrored().Kept; kept == nil || kept.Keys[0] != "cart:1" || blue.Get(t.Context(), kept.Below+"cart:1").Val() != "by its app" {
		t.Errorf("kept: %+v", kept)
	}
	green.do(t, "SET", "cart:1", "two")
	testkit.Eventually(t, "the mirror goes on", func() bool { return blue.Get(t.Context(), "cart:1").Val() == "two" })
	testkit.Must(t, d.Open(t.Context(), deploy.Blue))
	if users := userLines(t, blue); len(users) != 1 || !strings.Contains(users[0], "+@all") || strings.Contains(users[0], "-@write") {
		t.Errorf("users: %q", users)
	}
}

func TestFence_OfAMirrorInStep_IsPutUpWhileItFollows(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	d := startedMirror(t, newData(t, blue, green, "cart:*"))
	testkit.Must(t, green.Set(t.Context(), "cache", "its own", 0).Err())
	resyncs := d.Mirrored().Resyncs
	d.Fence(deploy.Green)
	takesNoWrites(t, d, deploy.Green, green)
	blue.do(t, "SET", "cart:1", "one")
	testkit.Eventually(t, "the mirror goes on", func() bool { return green.Get(t.Context(), "cart:1").Val() == "one" })
	if now := d.Mirrored().Resyncs; now != resyncs {
		t.Errorf("it took %d copies", now-resyncs)
	}
	testkit.Must(t, d.Open(t.Context(), deploy.Green))
	testkit.Must(t, green.Set(t.Context(), "cache", "again", 0).Err())
	d.Fence(deploy.Green)
	takesNoWrites(t, d, deploy.Green, green)
}

func TestFence_WithoutAMirror_IsPutUpAndThereAgainAfterARestart(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t, "--appendonly", "yes"), startRedis(t, "--appendonly", "yes")
	d := newData(t, blue, green, "cart:*")
	t.Cleanup(func() { d.LookOut("") })
	d.LookOut(deploy.Green)
	d.Fence(deploy.Green)
	takesNoWrites(t, d, deploy.Green, green)
	green.restart(t)
	takesNoWrites(t, d, deploy.Green, green)
}

func TestFence_SwitchedOff_IsNotPutUp(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	d := newData(t, blue, green, "cart:*")
	d.Fencing = false
	startedMirror(t, d)
	d.Fence(deploy.Green)
	blue.do(t, "SET", "cart:1", "one") // which arrives after the mirror has looked for what is due
	testkit.Eventually(t, "the mirror follows", func() bool { return green.Get(t.Context(), "cart:1").Val() == "one" })
	testkit.Must(t, green.Set(t.Context(), "cache", "its own", 0).Err())
}
