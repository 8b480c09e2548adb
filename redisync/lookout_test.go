package redisync

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// unfenced moves without a mirror, and leaves no fence behind.
func unfenced(t *testing.T, blue, green *testServer) *Data {
	d := newData(t, blue, green, "images")
	d.Fencing = false
	return d
}

// requireStrays waits until so many late writes are told, and demands that they are those of a slice.
func requireStrays(t *testing.T, d *Data, slice deploy.Slice, count int64) {
	t.Helper()
	testkit.Eventually(t, "the late write is told", func() bool { s := d.Mirrored().Strays; return s != nil && s.Count >= count })
	if s := d.Mirrored().Strays; s.Slice != slice || s.Count != count || strings.Join(s.Keys, " ") != "images" {
		t.Errorf("told of %+v", s)
	}
}

func TestWhatACopyWritesOnTheStandbyIsNoLateWrite(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	d := unfenced(t, blue, green)
	blue.RPush(t.Context(), "images", "a")
	cutOver(t, d, deploy.Blue, func(settle func()) { settle() })
	green.RPush(t.Context(), "images", "b")
	session := copied(t, d, deploy.Green)
	if s := d.Mirrored().Strays; s != nil {
		t.Errorf("told of %+v", s)
	}
	session.Close() // it is called off, and blue goes on being looked at
	testkit.Eventually(t, "a late write is told", func() bool {
		blue.RPush(t.Context(), "images", "late")
		return d.Mirrored().Strays != nil
	})
	cutOver(t, d, deploy.Green, func(settle func()) { settle() })
	green.RPush(t.Context(), "images", "late")
	requireStrays(t, d, deploy.Green, 1)
}

func TestARedisThatComesBackIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	d := unfenced(t, blue, green)
	cutOver(t, d, deploy.Blue, func(settle func()) { settle() })
	blue.kill()
	testkit.Eventually(t, "it is told that it is not seen", func() bool {
		return strings.HasPrefix(d.Mirrored().Unseen, "since ") && strings.Contains(d.Mirrored().Unseen, "late writes to blue are not seen: ")
	})
	blue.run(t)
	testkit.Eventually(t, "it is seen again", func() bool { return strings.HasPrefix(d.Mirrored().Unseen, "late writes to blue were not seen from ") })
	blue.RPush(t.Context(), "images", "late")
	requireStrays(t, d, deploy.Blue, 1)
	cutOver(t, d, deploy.Green, func(settle func()) { settle() })
	if s := d.Mirrored(); s.Unseen != "" || s.Strays != nil {
		t.Errorf("of another slice it is told: %q %+v", s.Unseen, s.Strays)
	}
}

func TestAStandbyIsLookedAtAfterAStartAsWell(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	fenceOff(t, blue, green)
	d := unfenced(t, blue, green)
	d.LookOut(deploy.Green)
	testkit.Eventually(t, "the fence is found, and writes are told", func() bool {
		return d.Mirrored().Fenced == deploy.Green && clients(t, green, "t") > 0
	})
	if err := d.Open(t.Context(), deploy.Green); err != nil {
		t.Fatal(err)
	}
	green.RPush(t.Context(), "images", "late")
	requireStrays(t, d, deploy.Green, 1)
	d.Mirror(deploy.Blue) // which sees for itself
	inStep(t, d)
	d.Mirror("")
	d.LookOut(deploy.Green)
	testkit.Eventually(t, "it is looked at again", func() bool {
		green.RPush(t.Context(), "images", "late")
		return d.Mirrored().Strays != nil
	})
}

func TestAStandbyThatDoesNotExistYetIsNotMissed(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	green.kill()
	d := unfenced(t, blue, green)
	d.LookOut(deploy.Green)
	green.run(t)
	testkit.Eventually(t, "a late write is told", func() bool {
		green.RPush(t.Context(), "images", "late")
		return d.Mirrored().Strays != nil
	})
	if s := d.Mirrored().Unseen; s != "" {
		t.Errorf("told: %s", s)
	}
}

func TestAKeyThatComesToItsEndIsNoLateWrite(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	d := unfenced(t, blue, green)
	blue.Set(t.Context(), "images", "x", 100*time.Millisecond)
	session := settled(t, d, deploy.Blue)
	testkit.Eventually(t, "it has ended", func() bool { return blue.Exists(t.Context(), "images").Val() == 0 })
	if late, err := session.Turn(t.Context()); err != nil || len(late) > 0 {
		t.Errorf("late: %q %v", late, err)
	}
	session.Close()
	blue.Set(t.Context(), "images", "late", 0)
	requireStrays(t, d, deploy.Blue, 1)
	green.Set(t.Context(), "images", "x", 0)
	blue.Del(t.Context(), "images") // which is one, where it lasts on the other side
	requireStrays(t, d, deploy.Blue, 2)
}

func TestWhatWasToldBeforeTheConnectionBrokeIsNotForgotten(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	d := unfenced(t, blue, green)
	cutOver(t, d, deploy.Blue, func(settle func()) { settle() })
	for i := range int64(3) {
		blue.RPush(t.Context(), "images", "late")
		blue.do(t, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
		testkit.Eventually(t, "it is told", func() bool { s := d.Mirrored().Strays; return s != nil && s.Count > i })
		testkit.Eventually(t, "it is seen again", func() bool { return clients(t, blue, "t") == 1 })
	}
}

func TestASlicesRedisThatRefusesUsIsToldToBeUnseen(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	green.do(t, "CONFIG", "SET", "requirepass", "changed")
	d := unfenced(t, blue, green)
	d.LookOut(deploy.Green)
	testkit.Eventually(t, "it is told why", func() bool { return strings.Contains(d.Mirrored().Unseen, "NOAUTH") })
	if s := d.Mirrored().Unseen; strings.Contains(s, "changed") || !strings.Contains(s, "; ") {
		t.Errorf("told: %s", s)
	}
}

func TestTwoDatabasesOfOneServerAreNotTakenForEachOther(t *testing.T) {
	t.Parallel()
	one := startRedis(t)
	d := newDataOf(t, Side{Address: At(one.address)}, Side{Address: At(one.address), DB: 1}, "images")
	d.Fencing = false
	one.RPush(t.Context(), "images", "a")
	if late := cutOver(t, d, deploy.Blue, func(settle func()) { settle() }); len(late) > 0 {
		t.Errorf("late: %q", late)
	}
	testkit.Eventually(t, "it is told why late writes are not seen", func() bool { return strings.Contains(d.Mirrored().Unseen, "same server") })
	if s := d.Mirrored().Strays; s != nil {
		t.Errorf("told of %+v", s)
	}
}

func TestWhereTheMirrorIsImpossibleLateWritesAreFound(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	for _, s := range []*testServer{blue, green} {
		s.do(t, "ACL", "SETUSER", "default", "-psync")
	}
	d := unfenced(t, blue, green)
	d.Mirror(deploy.Blue)
	testkit.Eventually(t, "there is no mirror", func() bool { return d.Mirrored().State == deploy.MirrorImpossible })
	cutOver(t, d, deploy.Blue, func(settle func()) { settle() })
	testkit.Eventually(t, "a late write is told", func() bool {
		blue.RPush(t.Context(), "images", "late")
		return d.Mirrored().Strays != nil
	})
	for _, s := range []*testServer{blue, green} {
		s.do(t, "ACL", "SETUSER", "default", "+psync")
	}
	inStep(t, d) // which is written by the mirror, and no late write
	testkit.Eventually(t, "nobody else looks out any more", func() bool { return clients(t, blue, "t") == 1 })
	if s := d.Mirrored().Strays; s != nil {
		t.Errorf("the mirror is told to have strays: %+v", s)
	}
}

func TestASettleDoesNotWaitForASourceThatHangsLongerThanItMay(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	d := unfenced(t, blue, green)
	session := copied(t, d, deploy.Blue)
	blue.process.Signal(syscall.SIGSTOP)
	defer blue.process.Signal(syscall.SIGCONT)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	ended := make(chan error, 1)
	go func() { _, err := session.Settle(ctx); ended <- err }()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("it settled")
		}
	case <-time.After(d.Timeout / 2):
		t.Error("it waits for the source")
	}
}
