package redisync

import (
	"context"
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"
)

// requireSameMatches demands that the keys that match are equal on both servers, by the servers' own digests of them. It
// takes little time, whatever they hold.
func requireSameMatches(t testing.TB, from, to *testServer, pattern string) {
	t.Helper()
	keys := from.Keys(t.Context(), pattern).Val()
	if there := to.Keys(t.Context(), pattern).Val(); len(there) != len(keys) {
		t.Fatalf("there are %d keys on the one side and %d on the other", len(keys), len(there))
	}
	different := 0
	for some := range slices.Chunk(keys, 1000) {
		a, b := digests(t, from, some), digests(t, to, some)
		for i := range a {
			if a[i] != b[i] {
				different++
			}
		}
	}
	if different > 0 {
		t.Fatalf("%d of %d keys differ", different, len(keys))
	}
}

// digests returns the digest of each value and then the expiry of each key.
func digests(t testing.TB, s *testServer, keys []string) []any {
	t.Helper()
	args := []any{"DEBUG", "DIGEST-VALUE"}
	for _, key := range keys {
		args = append(args, key)
	}
	all := s.do(t, args...).([]any)
	var ends []*redis.DurationCmd
	s.pipe(t, func(p redis.Pipeliner) {
		for _, key := range keys {
			ends = append(ends, p.PExpireTime(context.Background(), key))
		}
	})
	for _, end := range ends {
		all = append(all, end.Val())
	}
	return all
}
