package redisync

import (
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

func TestGroupsOfStreamsAreFollowed(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	from.do(t, "XADD", "stream", "1-1", "a", "b")
	d := startedMirror(t, newData(t, from, to, "*"))
	from.do(t, "XGROUP", "CREATE", "stream", "readers", "0")
	from.do(t, "XGROUP", "CREATE", "made", "readers", "0", "MKSTREAM")
	from.do(t, "XGROUP", "CREATE", "gone", "readers", "0", "MKSTREAM")
	from.do(t, "XADD", "stream", "1-2", "c", "d")
	from.do(t, "XREADGROUP", "GROUP", "readers", "one", "COUNT", "2", "STREAMS", "stream", ">")
	from.do(t, "XACK", "stream", "readers", "1-1")
	from.do(t, "XGROUP", "DESTROY", "gone", "readers")
	cutOver(t, d, deploy.Blue, func(settle func()) { settle() })
	for _, key := range []string{"stream", "made", "gone"} {
		kind := from.Type(t.Context(), key).Val()
		if a, b := valueOf(t, from, kind, key), valueOf(t, to, kind, key); a != b {
			t.Errorf("%s is %s on the source, %s on the target", key, a, b)
		}
	}
}

func TestACommandThatRemovesAllKeysIsFollowedByAnyName(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t, "--rename-command", "FLUSHALL", "hidden"), startRedis(t)
	pushList(t, from, "images", 100, 10)
	startedMirror(t, newData(t, from, to, "images"))
	from.do(t, "hidden")
	testkit.Eventually(t, "the standby follows", func() bool { return to.Exists(t.Context(), "images").Val() == 0 })
}
