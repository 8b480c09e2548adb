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

// As doctor does beside a daemon.
func TestLook_BesideAMirrorWithAFence_ChangesNothing(t *testing.T) {
	t.Parallel()
	blue, green := startRedis(t), startRedis(t)
	d := startedMirror(t, newData(t, blue, green, "cart:*"))
	cutOver(t, d, deploy.Blue, func(settle func()) { settle() })
	takesNoWrites(t, d, deploy.Blue, blue)
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
	blue, green := startRedis(t), startRedis(t)
	d := startedMirror(t, newData(t, blue, green, "cart:*"))
	cutOver(t, d, deploy.Blue, func(settle func()) { settle() })
	takesNoWrites(t, d, deploy.Blue, blue)
	blue.do(t, "ACL", "SETUSER", fenceUser, "resetpass", ">another")
	cutOver(t, d, deploy.Green, func(settle func()) { settle() })
	blue.do(t, "SET", "cart:1", "one")
	testkit.Eventually(t, "the mirror follows", func() bool { return green.Get(t.Context(), "cart:1").Val() == "one" })
}
