package redisync

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// mirrorOf starts a mirror from blue to green and waits until it is in step.
func startedMirror(t testing.TB, d *Data) *Data {
	t.Helper()
	t.Cleanup(func() { d.Mirror("") })
	d.Mirror(deploy.Blue)
	inStep(t, d)
	return d
}

func inStep(t testing.TB, d *Data) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("mirror: %+v", d.Mirrored())
		}
	}()
	testkit.Eventually(t, "the mirror is in step", func() bool { return d.Mirrored().State == deploy.MirrorInStep })
}

// cutOver moves from one slice to the other as a runbook does, with nothing written from settle to route.
func cutOver(t testing.TB, d *Data, from deploy.Slice, quiet func(func())) (late []string) {
	t.Helper()
	session, err := d.Begin(t.Context(), from, from.Other())
	testkit.Must(t, err)
	defer session.Close()
	if _, err := session.Copy(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	quiet(func() {
		if _, err := session.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	late, err = session.Turn(t.Context())
	testkit.Must(t, err)
	return late
}

func TestAMirrorFollowsWritesOfAllKinds(t *testing.T) {
	t.Parallel()
	for _, keys := range [][]string{{"*"}, {"w*", "list:large", "set:*", "hash:large", "zset:large", "stream", "string*"}} {
		t.Run(strings.Join(keys, " "), func(t *testing.T) {
			from, to := startRedis(t), startRedis(t)
			everything(t, from, "")
			to.Set(t.Context(), "cache:own", "kept", 0)
			writes := writers(t, from, 4)
			d := startedMirror(t, newData(t, from, to, keys...))
			writes.more(t, 200) // which follow the copy
			session, err := d.Begin(t.Context(), deploy.Blue, deploy.Green)
			testkit.Must(t, err)
			if _, err := session.Copy(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			writes.stop()
			report, err := session.Settle(t.Context())
			testkit.Must(t, err)
			t.Logf("settled: %s in %s, %d resyncs", report, report.Took, d.Mirrored().Resyncs)
			if keys[0] != "*" && to.Get(t.Context(), "cache:own").Val() != "kept" {
				t.Error("a key that is not selected was touched")
			}
			to.Del(t.Context(), "cache:own", markerKey)
			from.Del(t.Context(), hereKey)
			requireEqualKeys(t, from, to, keys)
			session.Close()
		})
	}
}

func TestMirror_RoundsOfCutovers_TurnsWithoutACopy(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	pushList(t, blue, "images", 20_000, 100)
	d := startedMirror(t, newData(t, blue, green, "images", "session:*"))
	servers := map[deploy.Slice]*testServer{deploy.Blue: blue, deploy.Green: green}
	live := deploy.Blue
	pushed := 20_000
	for i := range testkit.Rounds(t, 4) {
		for j := range 50 {
			servers[live].LPush(t.Context(), "images", fmt.Sprintf("%d-%d", i, j))
			servers[live].Set(t.Context(), fmt.Sprintf("session:%d", j), i, time.Hour)
			pushed++
		}
		if late := cutOver(t, d, live, func(settle func()) { settle() }); len(late) > 0 {
			t.Errorf("round %d: late writes: %q", i, late)
		}
		live = live.Other()
		if n := servers[live].LLen(t.Context(), "images").Val(); n != int64(pushed) {
			t.Fatalf("round %d: %d items on %s, want %d", i, n, live, pushed)
		}
		if s := d.Mirrored(); s.Fenced != live.Other() {
			t.Errorf("round %d: fenced is %q", i, s.Fenced)
		}
		if err := servers[live.Other()].LPush(t.Context(), "images", "late").Err(); err == nil {
			t.Error("a fenced redis took a write")
		}
		inStep(t, d)
	}
	if s := d.Mirrored(); s.Resyncs > 1 || s.From != live {
		t.Errorf("the mirror: %+v", s)
	}
	requireEqualKeys(t, blue, green, []string{"images", "session:*"})
}

func TestACutoverThatWasCalledOffLetsTheMirrorGoOn(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	d := startedMirror(t, newData(t, from, to, "images"))
	for i := range 3 {
		session, err := d.Begin(t.Context(), deploy.Blue, deploy.Green)
		testkit.Must(t, err)
		if _, err := session.Copy(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := session.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		session.Close()
		from.RPush(t.Context(), "images", i)
		testkit.Eventually(t, "the write arrives", func() bool { return to.LLen(t.Context(), "images").Val() == int64(i+1) })
	}
}

func TestWhatTheStandbyWritesItselfIsMendedAndTold(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	pushList(t, from, "images", 5000, 100)
	from.Set(t.Context(), "counter", 1, 0)
	d := startedMirror(t, newData(t, from, to, "images", "counter"))
	to.LPush(t.Context(), "images", "stray")
	to.Set(t.Context(), "counter", 77, 0)
	to.Set(t.Context(), "elsewhere", "kept", 0)
	from.Incr(t.Context(), "counter")
	from.LPush(t.Context(), "images", "right")
	testkit.Eventually(t, "the strays are told", func() bool { s := d.Mirrored().Strays; return s != nil && s.Count >= 2 })
	testkit.Eventually(t, "the live values are back", func() bool {
		return to.LLen(t.Context(), "images").Val() == 5001 && to.Get(t.Context(), "counter").Val() == "2"
	})
	requireEqualKeys(t, from, to, []string{"images", "counter"})
	if keys := d.Mirrored().Strays.Keys; strings.Join(keys, " ") != "counter images" {
		t.Errorf("the keys told are %q", keys)
	}
	if to.Get(t.Context(), "elsewhere").Val() != "kept" {
		t.Error("a key that is not selected was touched")
	}
}

func TestLateWritesAreFoundWithoutAFence(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	d := newData(t, blue, green, "images", "jobs:*")
	d.Fencing = false
	startedMirror(t, d)
	blue.RPush(t.Context(), "images", "a")
	session, err := d.Begin(t.Context(), deploy.Blue, deploy.Green)
	testkit.Must(t, err)
	defer session.Close()
	session.Copy(t.Context(), nil)
	if _, err := session.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	blue.RPush(t.Context(), "jobs:1", "late")
	green.RPush(t.Context(), "images", "b")
	late, err := session.Turn(t.Context())
	if err != nil || strings.Join(late, " ") != "jobs:1" {
		t.Fatalf("late writes: %q, %v", late, err)
	}
	blue.RPush(t.Context(), "images", "later still")
	testkit.Eventually(t, "the stray is told", func() bool {
		s := d.Mirrored().Strays
		return s != nil && strings.Join(s.Keys, " ") == "images"
	})
	testkit.Eventually(t, "green's values count", func() bool {
		return strings.Join(blue.LRange(t.Context(), "images", 0, -1).Val(), " ") == "a b" && blue.Exists(t.Context(), "jobs:1").Val() == 0
	})
}

func TestAfterALostLinkTheMirrorGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	pushList(t, from, "images", 50_000, 100)
	d := startedMirror(t, newData(t, from, to, "*"))
	writes := writers(t, from, 3)
	for range 5 {
		from.Do(t.Context(), "CLIENT", "KILL", "TYPE", "replica")
		writes.more(t, 50) // while it is broken, and after
	}
	writes.stop()
	from.RPush(t.Context(), "images", "last")
	testkit.Eventually(t, "the last write arrives", func() bool {
		return to.LRange(t.Context(), "images", -1, -1).Val()[0] == "last"
	})
	cutOver(t, d, deploy.Blue, func(settle func()) { settle() })
	if n := d.Mirrored().Resyncs; n > 1 {
		t.Errorf("%d copies were made", n)
	}
	to.Del(t.Context(), markerKey, hereKey)
	requireEqualKeys(t, from, to, []string{"*"})
}

func TestASourceThatRestartsIsMirroredAnew(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	pushList(t, to, "images", 10, 10)
	d := startedMirror(t, newData(t, from, to, "images"))
	from.Set(t.Context(), "x", 1, 0)
	from.kill()
	testkit.Eventually(t, "the mirror is broken", func() bool { return d.Mirrored().State == deploy.MirrorBroken })
	if s := d.Mirrored(); s.Reason == "" || s.Next == "" || !strings.Contains(s.Reason, "redis of blue") {
		t.Errorf("the status explains nothing: %+v", s)
	}
	from.restart(t)
	from.RPush(t.Context(), "images", "new")
	inStep(t, d)
	testkit.Eventually(t, "the new list is there", func() bool {
		return strings.Join(to.LRange(t.Context(), "images", 0, -1).Val(), " ") == "new"
	})
}

func TestAClientThatWaitsForReplicasHearsFromTheMirrorAtOnce(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	startedMirror(t, newData(t, from, to, "images"))
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second) // one by one in the pauses of a silent link it takes longer
	defer cancel()
	for i := range 20 {
		from.RPush(ctx, "images", i)
		if n, err := from.Wait(ctx, 1, 10*time.Second).Result(); err != nil || n != 1 {
			t.Fatalf("round %d: %d replicas have it, %v", i, n, err)
		}
		if n := to.LLen(ctx, "images").Val(); n != int64(i+1) {
			t.Fatalf("round %d: the standby has %d items", i, n)
		}
	}
}
