package redisync

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"verdigris/internal/testkit"
)

// What tests put into a redis before they begin is made there by scripts: large data would take longer on its way through
// the race detector than all that is tested with it.

// noise is what items are made of. It is longer than redis looks back when it compresses (8 kB), so that it cannot.
var noise = sync.OnceValue(func() string {
	b := make([]byte, 16<<10)
	rand.NewChaCha8([32]byte{}).Read(b)
	return string(b)
})

// item is a string of that size that does not compress and that tells i. luaItem makes the same one on a server.
func item(i, size int) string {
	name := fmt.Sprintf("%d:", i)
	if size <= len(name) {
		return name[:size]
	}
	from, size := i*37%len(noise()), size-len(name)
	return name + strings.Repeat(noise(), (from+size)/len(noise())+1)[from:from+size]
}

const luaItem = `
local noise = ARGV[1]
local twice = noise .. noise
local function item(i, size)
	local name = string.format('%d:', i)
	if size <= #name then return string.sub(name, 1, size) end
	local from, size = i * 37 % #noise, size - #name
	local long = twice
	if from + size > #twice then long = string.rep(noise, math.floor((from + size) / #noise) + 1) end
	return name .. string.sub(long, from + 1, from + size)
end
`

// fill runs a script that makes items.
func fill(t testing.TB, s *testServer, script *redis.Script, key string, args ...any) {
	t.Helper()
	err := script.Run(context.Background(), s, []string{key}, append([]any{noise()}, args...)...).Err()
	if err != redis.Nil {
		testkit.Must(t, err)
	}
}

var fillList = redis.NewScript(luaItem + `
local items = {}
for i = tonumber(ARGV[2]), tonumber(ARGV[3]) - 1 do items[#items + 1] = item(i, tonumber(ARGV[4])) end
redis.call('RPUSH', KEYS[1], unpack(items))`)

// pushList makes a list of n items of about that many bytes. A mirror sees an RPUSH for every thousand of them, or every
// megabyte.
func pushList(t testing.TB, s *testServer, key string, n, size int) {
	t.Helper()
	together := max(1, min(1000, 1<<20/max(1, size)))
	for first := 0; first < n; first += together {
		fill(t, s, fillList, key, first, min(n, first+together), size)
	}
}

var fillString = redis.NewScript(luaItem + `redis.call('SET', KEYS[1], item(1, tonumber(ARGV[2])))`)

var fillSmallKeys = redis.NewScript(luaItem + `
local make = {
	[0] = function(key, i) redis.call('SET', key, item(i, 100), 'EX', 3600) end,
	function(key, i) redis.call('HSET', key, 'name', item(i, 20), 'n', i, 'c', 'd') end,
	function(key, i) redis.call('SADD', key, i, item(i, 10), 'x', 'y') end,
	function(key, i) redis.call('ZADD', key, i / 3, 'a', 1, item(i, 20)) end,
	function(key, i) redis.call('RPUSH', key, item(i, 30), 'b', 'c') end,
}
for i = tonumber(ARGV[2]), tonumber(ARGV[3]) - 1 do make[i % 5](KEYS[1] .. i, i) end`)

// smallKeys makes keys below "small:" of all common types, one in five with an expiry.
func smallKeys(t testing.TB, s *testServer, n int) {
	t.Helper()
	const together = 10_000
	for first := 0; first < n; first += together {
		fill(t, s, fillSmallKeys, "small:", first, min(n, first+together))
	}
}

var fillLarge = redis.NewScript(luaItem + `
local prefix = KEYS[1]
redis.call('SET', prefix .. 'string:large', item(1, 307200))
redis.call('SET', prefix .. 'string:large:expires', item(2, 307200))
redis.call('RPUSH', prefix .. 'list:fat', item(3, 716800), item(4, 10), item(5, 307200))
for i = 0, tonumber(ARGV[2]) - 1 do
	redis.call('HSET', prefix .. 'hash:large', 'field' .. i, item(i, 40))
	redis.call('SADD', prefix .. 'set:large', item(i, 40))
	redis.call('ZADD', prefix .. 'zset:large', i % 700 / 7, item(i, 40))
	redis.call('XADD', prefix .. 'stream:large', '*', 'n', i, 'v', item(i, 40))
end`)
