package redisync

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"verdigris/internal/testkit"
)

// luaContents reads the whole database by other means than those under test: each key's type, when it ends, and a hash of
// what it holds. Scores are written in one way, since servers of different versions do not.
var luaContents = redis.NewScript(`
local held = {
	string = function(key) return redis.call('GET', key) end,
	list = function(key) return cmsgpack.pack(redis.call('LRANGE', key, 0, -1)) end,
	hash = function(key)
		local flat, values, names = redis.call('HGETALL', key), {}, {}
		for i = 1, #flat, 2 do
			names[#names + 1] = flat[i]
			values[flat[i]] = flat[i + 1]
		end
		table.sort(names)
		for i, name in ipairs(names) do names[i] = {name, values[name]} end
		return cmsgpack.pack(names)
	end,
	set = function(key)
		local members = redis.call('SMEMBERS', key)
		table.sort(members)
		return cmsgpack.pack(members)
	end,
	zset = function(key)
		local flat = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
		for i = 2, #flat, 2 do flat[i] = string.format('%.17g', tonumber(flat[i])) end
		return cmsgpack.pack(flat)
	end,
	stream = function(key) return '' end,
}
local all = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
	local kind = redis.call('TYPE', key).ok
	all[#all + 1] = key
	all[#all + 1] = kind .. ' until ' .. redis.call('PEXPIRETIME', key) .. ': ' .. redis.sha1hex(held[kind](key))
end
return all`)

// contents returns what a database has for each of its keys. Values are hashed, streams are in plain words.
func contents(t testing.TB, s *testServer) map[string]string {
	t.Helper()
	flat, err := luaContents.Run(context.Background(), s, nil).StringSlice()
	testkit.Must(t, err)
	all := map[string]string{}
	for pair := range slices.Chunk(flat, 2) {
		all[pair[0]] = pair[1]
		if strings.HasPrefix(pair[1], "stream ") {
			all[pair[0]] += valueOf(t, s, "stream", pair[0])
		}
	}
	return all
}

// valueOf is what a key holds in plain words.
func valueOf(t testing.TB, s *testServer, kind, key string) string {
	ctx := context.Background()
	switch kind {
	case "none":
		return "nothing"
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
		return streamOf(s, key)
	}
	t.Fatalf("unknown type %q", kind)
	return ""
}

// streamOf is a stream with its groups and what their consumers have not acknowledged.
func streamOf(s *testServer, key string) string {
	ctx := context.Background()
	text := fmt.Sprintf("%q", s.Do(ctx, "XRANGE", key, "-", "+").Val())
	for _, g := range s.XInfoGroups(ctx, key).Val() {
		pending := s.XPendingExt(ctx, &redis.XPendingExtArgs{Stream: key, Group: g.Name, Start: "-", End: "+", Count: 1000}).Val()
		for i := range pending {
			pending[i].Idle = 0
		}
		text += fmt.Sprintf(" %s at %s, %d consumers, %v", g.Name, g.LastDeliveredID, g.Consumers, pending)
	}
	return text + s.XInfoStream(ctx, key).Val().LastGeneratedID
}

// requireEqual demands that both databases are the same.
func requireEqual(t testing.TB, from, to *testServer) {
	t.Helper()
	want, got := contents(t, from), contents(t, to)
	requireContents(t, want, got)
	explain(t, from, to, want, got)
}

func requireContents(t testing.TB, want, got map[string]string) {
	t.Helper()
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%q: want %.200q, got %.200q", key, value, got[key])
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok && !strings.HasPrefix(key, keptPrefix) {
			t.Errorf("%q should not be there", key)
		}
	}
}

// explain logs the values that differ.
func explain(t testing.TB, from, to *testServer, want, got map[string]string) {
	t.Helper()
	for key, value := range want {
		if got[key] == value {
			continue
		}
		for name, s := range map[string]*testServer{"source": from, "target": to} {
			kind := s.Type(context.Background(), key).Val()
			t.Logf("%q on the %s: %s %.300s", key, name, kind, valueOf(t, s, kind, key))
		}
	}
}

// requireEqualKeys demands that the selected keys of both sides are the same. Keys that are about to end may be gone on
// one side.
func requireEqualKeys(t testing.TB, from, to *testServer, keys []string) {
	t.Helper()
	selected, err := newSelection(keys)
	testkit.Must(t, err)
	soon := time.Now().Add(time.Minute).UnixMilli()
	lasting := func(s *testServer) map[string]string {
		all := contents(t, s)
		maps.DeleteFunc(all, func(key, value string) bool {
			return !selected.has([]byte(key)) || strings.HasPrefix(key, ownPrefix) || endsBefore(value, soon)
		})
		return all
	}
	want, got := lasting(from), lasting(to)
	requireContents(t, want, got)
	explain(t, from, to, want, got)
}

// endsBefore reports whether a key with such contents ends before a time, in milliseconds.
func endsBefore(content string, limit int64) bool {
	var kind string
	var end int64
	_, err := fmt.Sscanf(content, "%s until %d:", &kind, &end)
	return err == nil && end != -1 && end < limit
}
