package redisync

import (
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"verdigris/internal/testkit"
)

// becomes makes a key one of each type, one after the other.
func becomes(p redis.Pipeliner, t *testing.T, key string, value string) {
	ctx := t.Context()
	for _, make := range []func(){
		func() { p.Set(ctx, key, value, 0) },
		func() { p.RPush(ctx, key, value, "b") },
		func() { p.HSet(ctx, key, "f", value) },
		func() { p.SAdd(ctx, key, value, "b") },
		func() { p.ZAdd(ctx, key, redis.Z{Score: 1, Member: value}, redis.Z{Score: 2, Member: "b"}) },
		func() { p.XAdd(ctx, &redis.XAddArgs{Stream: key, ID: "1-1", Values: []string{"f", value}}) },
	} {
		p.Del(ctx, key)
		make()
	}
}

// A comparison asks for a key's type before it reads it. One that is of another type by then differs, and what comes after
// it is compared with what it belongs to.
func TestCompare_KeysThatBecomeOtherTypes_DifferAndDisturbNoOthers(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{"small": "x", "large": strings.Repeat("x", 2*pieceThreshold)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to := startRedis(t), startRedis(t)
			session := begin(t, newData(t, from, to, "*"))
			p, err := session.newPass(stillKeys{}).connect(t.Context())
			testkit.Must(t, err)
			t.Cleanup(p.close)
			for _, s := range []*testServer{from, to} {
				s.do(t, "RPUSH", "a", "equal")
				s.do(t, "HSET", "z", "f", "equal", "g", "equal")
			}
			to.do(t, "HSET", "z", "g", "other")
			over := make(chan struct{})
			for _, s := range []*testServer{from, to} {
				done := make(chan struct{})
				t.Cleanup(func() { <-done })
				go func() {
					defer close(done)
					for {
						select {
						case <-over:
							return
						default:
							s.pipe(t, func(p redis.Pipeliner) { becomes(p, t, "changing", value) })
						}
					}
				}()
			}
			defer close(over)
			for range 500 {
				found, err := p.from.weighed([]string{"a", "changing", "z"})
				testkit.Must(t, err)
				different, err := p.compare(found, false)
				if err != nil {
					t.Fatal(err)
				}
				got := strings.Join(different, " ")
				if slices.Contains(different, "a") || !slices.Contains(different, "z") {
					t.Fatalf("different are said to be %q", got)
				}
			}
		})
	}
}
