package redisync

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// pushList makes a list of n items of about that many bytes.
func pushList(t testing.TB, s *testServer, key string, n, size int) {
	t.Helper()
	for first := 0; first < n; first += 10_000 {
		s.pipe(t, func(p redis.Pipeliner) {
			items := make([]any, 0, 1000)
			for i := first; i < min(n, first+10_000); i++ {
				items = append(items, item(i, size))
				if len(items) == cap(items) || i == min(n, first+10_000)-1 {
					p.RPush(context.Background(), key, items...)
					items = make([]any, 0, 1000)
				}
			}
		})
	}
}

// item is a string of that size that does not compress and that tells i.
func item(i, size int) string {
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], uint64(i))
	b := make([]byte, size)
	rand.NewChaCha8(seed).Read(b)
	copy(b, fmt.Sprintf("%d:", i))
	return string(b)
}

// everything is one key of each kind that redis has: each type small and large, binary names and values,
// expiries, groups of streams.
func everything(t testing.TB, s *testServer, prefix string) {
	t.Helper()
	ctx := context.Background()
	binary := "\x00\xff\r\n$3\r\n*2 \"'"
	soon := time.Now().Add(time.Hour)
	large := 5000
	s.pipe(t, func(p redis.Pipeliner) {
		p.Set(ctx, prefix+"string", "v", 0)
		p.Set(ctx, prefix+"string:empty", "", 0)
		p.Set(ctx, prefix+"string:number", "12345", 0)
		p.Set(ctx, prefix+"string:expires", "v", 0)
		p.PExpireAt(ctx, prefix+"string:expires", soon.Add(123*time.Millisecond))
		p.Set(ctx, prefix+binary, binary, 0)
		p.Set(ctx, prefix+"string:large", item(1, 300<<10), 0)
		p.Set(ctx, prefix+"string:large:expires", item(2, 300<<10), 0)
		p.PExpireAt(ctx, prefix+"string:large:expires", soon.Add(456*time.Millisecond))
		p.RPush(ctx, prefix+"list", "a", "b", "a", "", binary)
		p.RPush(ctx, prefix+"list:fat", item(3, 700<<10), item(4, 10), item(5, 300<<10))
		p.HSet(ctx, prefix+"hash", "f", "v", binary, binary, "", "")
		p.HSet(ctx, prefix+"hash:unpacked", item(6, 100), item(7, 100), item(8, 100), "v", "a", "b")
		p.SAdd(ctx, prefix+"set", "a", "b", binary)
		p.SAdd(ctx, prefix+"set:numbers", 1, 2, 3)
		p.ZAdd(ctx, prefix+"zset", redis.Z{Score: 0.1, Member: "a"}, redis.Z{Score: -1e300, Member: binary}, redis.Z{Score: 1. / 3, Member: "c"})
		p.Do(ctx, "ZADD", prefix+"zset:infinite", "inf", "top", "-inf", "bottom")
		p.PFAdd(ctx, prefix+"loglog", "a", "b")
		p.SetBit(ctx, prefix+"bits", 1000, 1)
		for i := range large {
			p.HSet(ctx, prefix+"hash:large", fmt.Sprint("field", i), item(i, 40))
			p.SAdd(ctx, prefix+"set:large", item(i, 40))
			p.ZAdd(ctx, prefix+"zset:large", redis.Z{Score: float64(i%700) / 7, Member: item(i, 40)})
			p.XAdd(ctx, &redis.XAddArgs{Stream: prefix + "stream:large", Values: []any{"n", i, "v", item(i, 40)}})
		}
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
	pushList(t, s, prefix+"list:large", 20_000, 60)
}

// contents reads the whole database in plain words, by other means than those under test.
func contents(t testing.TB, s *testServer) map[string]string {
	t.Helper()
	ctx := context.Background()
	all := map[string]string{}
	for _, key := range s.Keys(ctx, "*").Val() {
		end := s.PExpireTime(ctx, key).Val()
		kind := s.Type(ctx, key).Val()
		all[key] = fmt.Sprintf("%s until %d: %s", kind, end.Milliseconds(), valueOf(t, s, kind, key))
	}
	return all
}

func valueOf(t testing.TB, s *testServer, kind, key string) string {
	ctx := context.Background()
	switch kind {
	case "string":
		return s.Get(ctx, key).Val()
	case "list":
		return fmt.Sprintf("%q", s.LRange(ctx, key, 0, -1).Val())
	case "hash":
		fields := s.HGetAll(ctx, key).Val()
		var lines []string
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			lines = append(lines, fmt.Sprintf("%q=%q", name, fields[name]))
		}
		return strings.Join(lines, " ")
	case "set":
		members := s.SMembers(ctx, key).Val()
		slices.Sort(members)
		return fmt.Sprintf("%q", members)
	case "zset":
		return fmt.Sprintf("%v", s.ZRangeWithScores(ctx, key, 0, -1).Val())
	case "stream":
		groups := s.XInfoGroups(ctx, key).Val()
		text := fmt.Sprintf("%q", s.Do(ctx, "XRANGE", key, "-", "+").Val())
		for _, g := range groups {
			pending := s.XPendingExt(ctx, &redis.XPendingExtArgs{Stream: key, Group: g.Name, Start: "-", End: "+", Count: 1000}).Val()
			for i := range pending {
				pending[i].Idle = 0
			}
			text += fmt.Sprintf(" %s at %s, %d consumers, %v", g.Name, g.LastDeliveredID, g.Consumers, pending)
		}
		return text + s.XInfoStream(ctx, key).Val().LastGeneratedID
	}
	t.Fatalf("unknown type %q", kind)
	return ""
}

// requireEqual demands that both databases are the same, but for the keys left out.
func requireEqual(t testing.TB, from, to *testServer) {
	t.Helper()
	requireContents(t, contents(t, from), contents(t, to))
}

func requireContents(t testing.TB, want, got map[string]string) {
	t.Helper()
	if reflect.DeepEqual(want, got) {
		return
	}
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%q: want %.200q, got %.200q", key, value, got[key])
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok {
			t.Errorf("%q should not be there", key)
		}
	}
}
