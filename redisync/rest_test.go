package redisync

import (
	"strings"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

func TestRest_MirrorInStep_WritesNothingUntilItIsOver(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	blue.do(t, "SET", "images", "one")
	d := startedMirror(t, newData(t, blue, green, "images"))
	d.Rest("nobody knows who answers")
	testkit.Eventually(t, "the mirror rests", func() bool {
		s := d.Mirrored()
		return s.State == deploy.MirrorPaused && s.Reason == "nobody knows who answers"
	})
	green.do(t, "SET", "images", "by the standby") // as an app to which the router leads
	blue.do(t, "SET", "images", "two")
	testkit.Eventually(t, "the write waits", func() bool { return d.Mirrored().Behind > 0 })
	if got := green.Get(t.Context(), "images").Val(); got != "by the standby" {
		t.Errorf("the standby has %q", got)
	}
	d.Rest("")
	inStep(t, d)
	testkit.Eventually(t, "the write arrives", func() bool { return green.Get(t.Context(), "images").Val() == "two" })
}

func TestRest_BeforeTheMirrorBegins_NothingIsCopied(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	blue.do(t, "SET", "images", "one")
	d := newData(t, blue, green, "images")
	d.Rest("the route is not confirmed")
	t.Cleanup(func() { d.Mirror("") })
	d.Mirror(deploy.Blue)
	testkit.Eventually(t, "the mirror rests", func() bool { return d.Mirrored().State == deploy.MirrorPaused })
	if n := green.DBSize(t.Context()).Val(); n != 0 || clients(t, blue, "S") != 0 {
		t.Errorf("the standby has %d keys", n)
	}
	d.Rest("")
	inStep(t, d)
	if got := green.Get(t.Context(), "images").Val(); got != "one" {
		t.Errorf("the standby has %q", got)
	}
}

func TestRest_InTheMiddleOfACopy_EndsItAndBeginsAgain(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	blue.do(t, "DEBUG", "POPULATE", 100_000, "cart", 100)
	d := newData(t, blue, green, "cart:*")
	t.Cleanup(func() { d.Mirror("") })
	d.Mirror(deploy.Blue)
	testkit.Eventually(t, "it copies", func() bool { return d.Mirrored().State == deploy.MirrorCopying && d.Mirrored().Copied > 0 })
	d.Rest("the router stands still")
	testkit.Eventually(t, "the mirror rests", func() bool { return d.Mirrored().State == deploy.MirrorPaused })
	size := func() int64 { return green.DBSize(t.Context()).Val() }
	testkit.Eventually(t, "what was on its way has arrived", func() bool {
		before := size()
		time.Sleep(50 * time.Millisecond) // between two looks
		return size() == before
	})
	if n := size(); n >= 100_000 {
		t.Errorf("all %d keys were copied before the copy could be ended", n)
	}
	d.Rest("")
	inStep(t, d)
	if n := size(); n != 100_001 && n != 100_000 { // with the marker
		t.Errorf("the standby has %d keys", n)
	}
}

func TestCopy_OverAStandbyThatWasNotFenced_KeepsWhatDiffers(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(t *testing.T, d *Data) *deploy.Kept{
		"mirror": func(t *testing.T, d *Data) *deploy.Kept { return startedMirror(t, d).Mirrored().Kept },
		"copy": func(t *testing.T, d *Data) *deploy.Kept {
			copied, _ := move(t, d)
			if said := copied.String(); !strings.Contains(said, "3 values that green alone had") {
				t.Errorf("the report says %q", said)
			}
			return copied.Kept
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			blue, green := startRedis(t), startRedis(t)
			blue.do(t, "SET", "cart:same", "1")
			blue.do(t, "SET", "cart:other", "1")
			blue.do(t, "HSET", "cart:kind", "f", "1")
			green.do(t, "SET", "cart:same", "1")
			green.do(t, "SET", "cart:other", "acknowledged")
			green.do(t, "RPUSH", "cart:kind", "acknowledged")
			green.do(t, "SET", "cart:alone", "acknowledged", "EX", "5")
			green.do(t, "SET", "cache", "its own")
			kept := run(t, newData(t, blue, green, "cart:*"))
			if kept == nil || kept.Count != 3 || strings.Join(kept.Keys, " ") != "cart:alone cart:kind cart:other" || kept.Slice != deploy.Green {
				t.Fatalf("kept: %+v", kept)
			}
			for _, key := range []string{"cart:alone", "cart:other"} {
				if got := green.Get(t.Context(), kept.Below+key).Val(); got != "acknowledged" {
					t.Errorf("%s is kept as %q", key, got)
				}
				if left := green.TTL(t.Context(), kept.Below+key).Val(); left < keptFor-time.Hour || left > keptFor {
					t.Errorf("%s is kept for %s", key, left)
				}
			}
			if got := green.LRange(t.Context(), kept.Below+"cart:kind", 0, -1).Val(); len(got) != 1 || got[0] != "acknowledged" {
				t.Errorf("the list is kept as %q", got)
			}
			if got := green.Get(t.Context(), "cart:other").Val(); got != "1" {
				t.Errorf("the standby has %q", got)
			}
			if n := green.Exists(t.Context(), kept.Below+"cart:same", "cart:alone").Val(); n != 0 {
				t.Error("a value that is equal was kept, or a surplus one was left in its place")
			}
		})
	}
}

func TestCopy_OverAStandbyThatWasFenced_KeepsNothing(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	green.do(t, "SET", "cart:old", "from before")
	fenceOff(t, blue, green)
	blue.do(t, "SET", "cart:old", "now")
	d := startedMirror(t, newData(t, blue, green, "cart:*"))
	if kept := d.Mirrored().Kept; kept != nil {
		t.Errorf("kept: %+v", kept)
	}
}
