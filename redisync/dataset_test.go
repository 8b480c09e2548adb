package redisync

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// everything is one key of each kind that redis has: each type small and large, binary names and values,
// expiries, groups of streams.
func everything(t testing.TB, s *testServer, prefix string) {
	t.Helper()
	ctx := context.Background()
	binary := "\x00\xff\r\n$3\r\n*2 \"'"
	soon := time.Now().Add(time.Hour)
	fill(t, s, fillLarge, prefix, 5000)
	pushList(t, s, prefix+"list:large", 20_000, 60)
	s.pipe(t, func(p redis.Pipeliner) {
		p.Set(ctx, prefix+"string", "v", 0)
		p.Set(ctx, prefix+"string:empty", "", 0)
		p.Set(ctx, prefix+"string:number", "12345", 0)
		p.Set(ctx, prefix+"string:expires", "v", 0)
		p.PExpireAt(ctx, prefix+"string:expires", soon.Add(123*time.Millisecond))
		p.Set(ctx, prefix+binary, binary, 0)
		p.PExpireAt(ctx, prefix+"string:large:expires", soon.Add(456*time.Millisecond))
		p.RPush(ctx, prefix+"list", "a", "b", "a", "", binary)
		p.HSet(ctx, prefix+"hash", "f", "v", binary, binary, "", "")
		p.HSet(ctx, prefix+"hash:unpacked", item(6, 100), item(7, 100), item(8, 100), "v", "a", "b")
		p.SAdd(ctx, prefix+"set", "a", "b", binary)
		p.SAdd(ctx, prefix+"set:numbers", 1, 2, 3)
		p.ZAdd(ctx, prefix+"zset", redis.Z{Score: 0.1, Member: "a"}, redis.Z{Score: -1e300, Member: binary}, redis.Z{Score: 1. / 3, Member: "c"})
		p.Do(ctx, "ZADD", prefix+"zset:infinite", "inf", "top", "-inf", "bottom")
		p.PFAdd(ctx, prefix+"loglog", "a", "b")
		p.SetBit(ctx, prefix+"bits", 1000, 1)
		p.PExpireAt(ctx, prefix+"hash:large", soon.Add(789*time.Millisecond))
		for i := range 10 {
			p.XAdd(ctx, &redis.XAddArgs{Stream: prefix + "stream", Values: []any{"n", i, "n", i}})
		}
		for _, stream := range []string{"stream", "stream:large"} {
			p.XGroupCreate(ctx, prefix+stream, "readers", "0")
			p.XGroupCreate(ctx, prefix+stream, "late", "$")
			p.XReadGroup(ctx, &redis.XReadGroupArgs{Group: "readers", Consumer: "c1", Streams: []string{prefix + stream, ">"}, Count: 4, Block: -1})
			p.XReadGroup(ctx, &redis.XReadGroupArgs{Group: "readers", Consumer: "c2", Streams: []string{prefix + stream, ">"}, Count: 2, Block: -1})
		}
		p.XAdd(ctx, &redis.XAddArgs{Stream: prefix + "stream:emptied", Values: []any{"a", "b"}})
		p.XTrimMaxLen(ctx, prefix+"stream:emptied", 0)
	})
}
