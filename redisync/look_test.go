package redisync

import (
	"strings"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// users is how a server writes down all its users.
func users(t *testing.T, s *testServer) string {
	t.Helper()
	lines, err := s.ACLList(t.Context()).Result()
	testkit.Must(t, err)
	return strings.Join(lines, "\n")
}

// blueLeft is a mirror after a cutover, from green to a fenced blue.
func blueLeft(t *testing.T, options ...string) (d *Data, blue, green *testServer) {
	t.Helper()
	blue, green = startRedis(t, options...), startRedis(t, options...)
	d = startedMirror(t, newData(t, blue, green, "cart:*"))
	cutOver(t, d, deploy.Blue, func(settle func()) { settle() })
	takesNoWrites(t, d, deploy.Blue, blue)
	return d, blue, green
}

// As doctor does beside a daemon.
func TestLook_BesideAMirrorWithAFence_ChangesNothing(t *testing.T) {
	t.Parallel()
	d, blue, green := blueLeft(t)
	before := users(t, blue) + users(t, green)
	other := newData(t, blue, green, "cart:*")
	testkit.Must(t, other.Look(t.Context(), deploy.Green, deploy.Blue))
	if after := users(t, blue) + users(t, green); after != before {
		t.Errorf("the users were\n%s\nand are\n%s", before, after)
	}
	testkit.ErrorContains(t, other.Look(t.Context(), deploy.Blue, deploy.Green), "fenced although blue is live")
	cutOver(t, d, deploy.Green, func(settle func()) { settle() })
}

func TestMirror_OwnUserChangedByAnotherProcess_ComesBackAndCutsOver(t *testing.T) {
	t.Parallel()
	d, blue, green := blueLeft(t)
	blue.do(t, "ACL", "SETUSER", fenceUser, "resetpass", ">another")
	cutOver(t, d, deploy.Green, func(settle func()) { settle() })
	blue.do(t, "SET", "cart:1", "one")
	testkit.Eventually(t, "the mirror follows", func() bool { return green.Get(t.Context(), "cart:1").Val() == "one" })
}

func TestPing_RedisThatRefusesTheUser_Answers(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	d := newData(t, blue, green, "cart:*")
	testkit.Must(t, d.Ping(t.Context(), deploy.Blue))
	blue.do(t, "CONFIG", "SET", "requirepass", "changed")
	testkit.Must(t, d.Ping(t.Context(), deploy.Blue))
	green.kill()
	testkit.ErrorContains(t, d.Ping(t.Context(), deploy.Green), "redis of green", "refused")
}
