package redisync

import (
	"strings"
	"testing"

	"verdigris/deploy"
)

// unfenced moves without a mirror, and leaves no fence behind.
func unfenced(t *testing.T, blue, green *testServer) *Data {
	d := newData(t, blue, green, "images")
	d.Fencing = false
	t.Cleanup(func() { d.LookOut("") })
	return d
}

// requireStrays waits until so many late writes are told, and demands that they are those of a slice.
func requireStrays(t *testing.T, d *Data, slice deploy.Slice, count int64) {
	t.Helper()
	eventually(t, "the late write is told", func() bool { s := d.Mirrored().Strays; return s != nil && s.Count >= count })
	if s := d.Mirrored().Strays; s.Slice != slice || s.Count != count || strings.Join(s.Keys, " ") != "images" {
		t.Errorf("told of %+v", s)
	}
}

func TestWhatACopyWritesOnTheStandbyIsNoLateWrite(t *testing.T) {
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
	eventually(t, "a late write is told", func() bool {
		blue.RPush(t.Context(), "images", "late")
		return d.Mirrored().Strays != nil
	})
	cutOver(t, d, deploy.Green, func(settle func()) { settle() })
	green.RPush(t.Context(), "images", "late")
	requireStrays(t, d, deploy.Green, 1)
}

func TestARedisThatComesBackIsLookedAtAgain(t *testing.T) {
	blue, green := startRedis(t), startRedis(t)
	d := unfenced(t, blue, green)
	cutOver(t, d, deploy.Blue, func(settle func()) { settle() })
	blue.kill()
	eventually(t, "it is told that it is not seen", func() bool {
		return strings.HasPrefix(d.Mirrored().Unseen, "since ") && strings.Contains(d.Mirrored().Unseen, "late writes to blue are not seen: ")
	})
	blue.run(t)
	eventually(t, "it is seen again", func() bool { return strings.HasPrefix(d.Mirrored().Unseen, "late writes to blue were not seen from ") })
	blue.RPush(t.Context(), "images", "late")
	requireStrays(t, d, deploy.Blue, 1)
	cutOver(t, d, deploy.Green, func(settle func()) { settle() })
	if s := d.Mirrored(); s.Unseen != "" || s.Strays != nil {
		t.Errorf("of another slice it is told: %q %+v", s.Unseen, s.Strays)
	}
}

func TestAStandbyIsLookedAtAfterAStartAsWell(t *testing.T) {
	blue, green := startRedis(t), startRedis(t)
	fenceOff(t, blue, green)
	d := unfenced(t, blue, green)
	d.LookOut(deploy.Green)
	eventually(t, "the fence is found", func() bool { return d.Mirrored().Fenced == deploy.Green })
	if err := d.Open(t.Context(), deploy.Green); err != nil {
		t.Fatal(err)
	}
	green.RPush(t.Context(), "images", "late")
	requireStrays(t, d, deploy.Green, 1)
	d.Mirror(deploy.Blue) // which sees for itself
	inStep(t, d)
	d.Mirror("")
	d.LookOut(deploy.Green)
	eventually(t, "it is looked at again", func() bool {
		green.RPush(t.Context(), "images", "late")
		return d.Mirrored().Strays != nil
	})
}

func TestAStandbyThatDoesNotExistYetIsNotMissed(t *testing.T) {
	blue, green := startRedis(t), startRedis(t)
	green.kill()
	d := unfenced(t, blue, green)
	d.LookOut(deploy.Green)
	green.run(t)
	eventually(t, "a late write is told", func() bool {
		green.RPush(t.Context(), "images", "late")
		return d.Mirrored().Strays != nil
	})
	if s := d.Mirrored().Unseen; s != "" {
		t.Errorf("told: %s", s)
	}
}
