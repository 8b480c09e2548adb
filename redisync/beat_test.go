package redisync

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// beaten waits until a mirror has noted that the target has all that the source has.
func beaten(t *testing.T, from, to *testServer) {
	t.Helper()
	testkit.Eventually(t, "the time is on both sides", func() bool {
		beat, seen := from.Get(t.Context(), beatKey).Val(), to.Get(t.Context(), seenKey).Val()
		return beat != "" && strings.HasPrefix(seen, beat+" ")
	})
}

// comesBackWithLess is a mirror whose source came back without its files.
func comesBackWithLess(t *testing.T) (d *Data, blue, green *testServer) {
	t.Helper()
	blue, green = startRedis(t), startRedis(t) // without persistence
	for i := range 10 {
		blue.do(t, "SET", fmt.Sprintf("cart:%d", i), "acknowledged")
	}
	blue.do(t, "SET", "cart:short", "passing", "EX", "100")
	d = startedMirror(t, newData(t, blue, green, "cart:*", "images"))
	blue.do(t, "RPUSH", "images", "one")
	testkit.Eventually(t, "it has arrived", func() bool { return green.LLen(t.Context(), "images").Val() == 1 })
	beaten(t, blue, green)
	blue.restart(t)
	blue.do(t, "SET", "cart:1", "since then")
	testkit.Eventually(t, "the mirror says what is lost", func() bool {
		s := d.Mirrored()
		return s.State == deploy.MirrorBroken && strings.Contains(s.Reason, "came back with less than it had: it lacks 10 of the 11 selected keys that green has")
	})
	testkit.Contains(t, d.Mirrored().Next, "verdigris mirror on --from green", "verdigris mirror on --from blue")
	if n := green.Exists(t.Context(), "cart:0", "cart:9", "images").Val(); n != 3 {
		t.Fatalf("the standby has %d of its values", n)
	}
	return d, blue, green
}

func TestMirror_SourceComesBackWithLess_WaitsForAPersonWhoDecidesForTheStandby(t *testing.T) {
	t.Parallel()
	d, blue, green := comesBackWithLess(t)
	_, err := d.Begin(t.Context(), deploy.Blue, deploy.Green)
	testkit.ErrorContains(t, err, "came back with less")
	testkit.ErrorContains(t, newData(t, blue, green, "cart:*", "images").Look(t.Context(), deploy.Blue, deploy.Green), "came back with less") // as doctor does
	d.Adopt(deploy.Green)
	inStep(t, d)
	if got := blue.Get(t.Context(), "cart:0").Val() + blue.LIndex(t.Context(), "images", 0).Val(); got != "acknowledgedone" {
		t.Errorf("the live slice has %q", got)
	}
	kept := d.Mirrored().Kept
	if kept == nil || kept.Slice != deploy.Blue || blue.Get(t.Context(), kept.Below+"cart:1").Val() != "since then" {
		t.Errorf("kept: %+v", kept)
	}
	blue.do(t, "SET", "cart:new", "goes on")
	testkit.Eventually(t, "the mirror goes on", func() bool { return green.Get(t.Context(), "cart:new").Val() == "goes on" })
}

func TestMirror_SourceComesBackWithLess_WaitsForAPersonWhoDecidesForTheSource(t *testing.T) {
	t.Parallel()
	d, blue, green := comesBackWithLess(t)
	d.Adopt(deploy.Blue)
	inStep(t, d)
	if n := green.Exists(t.Context(), "cart:0", "images").Val(); n != 0 {
		t.Errorf("the standby has %d values that the source lacks", n)
	}
	beaten(t, blue, green)
}

func TestMirror_SourceComesBackFromAnOldSnapshot_IsNotCopiedFrom(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	blue, green := startRedis(t, "--dir", dir), startRedis(t)
	d := startedMirror(t, newData(t, blue, green, "cart:*"))
	blue.do(t, "SET", "cart:1", "old")
	beaten(t, blue, green)
	blue.do(t, "SAVE")
	old := testkit.Read(t, filepath.Join(dir, "dump.rdb"))
	blue.do(t, "SET", "cart:1", "new") // no key is missing afterwards: its value alone is older
	before := green.Get(t.Context(), seenKey).Val()
	testkit.Eventually(t, "the change is noted", func() bool { return green.Get(t.Context(), seenKey).Val() != before })
	blue.kill()
	testkit.Must(t, os.WriteFile(filepath.Join(dir, "dump.rdb"), []byte(old), 0o600))
	blue.run(t)
	blue.ready(t)
	testkit.Eventually(t, "the mirror says so", func() bool {
		s := d.Mirrored()
		return s.State == deploy.MirrorBroken && strings.Contains(s.Reason, "it lacks 0 of the 1 selected keys") && strings.Contains(s.Reason, "is older by")
	})
	if got := green.Get(t.Context(), "cart:1").Val(); got != "new" {
		t.Errorf("the standby has %q", got)
	}
}

func TestMirror_SourceRestartsWithAllItHad_IsFollowedAgain(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t, "--appendonly", "yes"), startRedis(t)
	d := startedMirror(t, newData(t, blue, green, "cart:*"))
	blue.do(t, "SET", "cart:1", "one")
	beaten(t, blue, green)
	blue.restart(t)
	blue.do(t, "SET", "cart:1", "two")
	testkit.Eventually(t, "the mirror goes on", func() bool { return green.Get(t.Context(), "cart:1").Val() == "two" })
	inStep(t, d)
}

func TestMirror_SourceIsEmptiedOnPurpose_IsFollowed(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t, "--appendonly", "yes"), startRedis(t)
	d := startedMirror(t, newData(t, blue, green, "cart:*"))
	blue.do(t, "SET", "cart:1", "one")
	beaten(t, blue, green)
	blue.do(t, "FLUSHALL")
	testkit.Eventually(t, "the standby is empty too", func() bool { return green.Exists(t.Context(), "cart:1").Val() == 0 })
	blue.restart(t)
	blue.do(t, "SET", "cart:2", "two")
	testkit.Eventually(t, "the mirror goes on", func() bool { return green.Get(t.Context(), "cart:2").Val() == "two" })
	inStep(t, d)
}
