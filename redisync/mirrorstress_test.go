package redisync

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// mixer makes random changes of all kinds to keys of which some are selected and some are not, commands that mix the
// two included.
type mixer struct {
	*testServer
	r *rand.Rand
}

func (m mixer) key() string {
	name := []string{"s:", "s:", "s:", "other:"}[m.r.IntN(4)]
	kind := []string{"str", "list", "hash", "set", "zset"}[m.r.IntN(5)]
	return m.keyOf(name, kind)
}

func (m mixer) keyOf(prefix, kind string) string { return fmt.Sprint(prefix, kind, m.r.IntN(6)) }

func (m mixer) of(kind string) string {
	return m.keyOf([]string{"s:", "s:", "other:"}[m.r.IntN(3)], kind)
}

// life is how long a key is to live, in milliseconds: hardly at all, or longer than the test.
func (m mixer) life() int { return []int{1 + m.r.IntN(50), 3_600_000 + m.r.IntN(1000)}[m.r.IntN(2)] }

// change makes one random change. What fails, e.g. for the type of a key, changes nothing.
func (m mixer) change(ctx context.Context, i int) {
	r := m.r
	do := func(args ...any) { m.Do(ctx, args...) }
	switch r.IntN(32) {
	case 0:
		do("SET", m.of("str"), i)
	case 1:
		do("SET", m.of("str"), i, "PX", m.life())
	case 2:
		do("INCR", m.of("str"))
	case 3:
		do("APPEND", m.of("str"), "x")
	case 4:
		do("LPUSH", m.of("list"), i, i+1)
	case 5:
		do("RPUSH", m.of("list"), i)
	case 6:
		do("LPOP", m.of("list"))
	case 7:
		do("LMOVE", m.of("list"), m.of("list"), "LEFT", "RIGHT")
	case 8:
		do("RPOPLPUSH", m.of("list"), m.of("list"))
	case 9:
		do("LINSERT", m.of("list"), "BEFORE", i-10, "new")
	case 10:
		do("LREM", m.of("list"), 1, i-20)
	case 11:
		do("HSET", m.of("hash"), fmt.Sprint("f", r.IntN(9)), i)
	case 12:
		do("HINCRBYFLOAT", m.of("hash"), "n", "0.1")
	case 13:
		do("SADD", m.of("set"), r.IntN(30))
	case 14:
		do("SPOP", m.of("set"))
	case 15:
		do("SMOVE", m.of("set"), m.of("set"), r.IntN(30))
	case 16:
		do("ZADD", m.of("zset"), r.Float64(), r.IntN(30))
	case 17:
		do("ZINCRBY", m.of("zset"), 1, r.IntN(30))
	case 18:
		do("MSET", m.of("str"), i, m.of("str"), i+1, m.of("str"), i+2)
	case 19:
		do("DEL", m.key(), m.key())
	case 20:
		do("UNLINK", m.key())
	case 21:
		kind := []string{"str", "list", "hash", "set", "zset"}[r.IntN(5)]
		do("RENAME", m.of(kind), m.of(kind))
	case 22:
		kind := []string{"str", "list", "hash", "set", "zset"}[r.IntN(5)]
		do("COPY", m.of(kind), m.of(kind), "REPLACE")
	case 23:
		do("SUNIONSTORE", m.of("set"), m.of("set"), m.of("set"))
	case 24:
		do("ZUNIONSTORE", m.of("zset"), 2, m.of("zset"), m.of("zset"))
	case 25:
		do("SORT", m.of("set"), "STORE", m.of("list"))
	case 26:
		do("PEXPIRE", m.key(), m.life())
	case 27:
		do("PERSIST", m.key())
	case 28:
		do("EVAL", "redis.call('INCR', KEYS[1]); redis.call('RPUSH', KEYS[2], ARGV[1]); return redis.call('SADD', KEYS[3], ARGV[1])",
			3, m.of("str"), m.of("list"), m.of("set"), i)
	case 29:
		p := m.TxPipeline()
		p.RPush(ctx, m.of("list"), i)
		p.Incr(ctx, m.of("str"))
		p.Del(ctx, m.key())
		p.Exec(ctx)
	case 30:
		do("BITOP", "OR", m.of("str"), m.of("str"), m.of("str"))
	case 31:
		do("GETEX", m.of("str"), "PX", m.life())
	}
}

// mix lets several clients make random changes.
func mix(t testing.TB, s *testServer, clients int, seed uint64) *changes {
	return changing(t, clients, func(number int) func(i int) {
		m := mixer{s, rand.New(rand.NewPCG(seed, uint64(number)))}
		return func(i int) { m.change(context.Background(), number+i*clients) }
	})
}

// stressKeys select what the mixer calls s:, some of it by name.
var stressKeys = []string{"s:*", "s:list1"}

func TestMirror_RoundsOfRandomChangesAndLostLinks_IsExact(t *testing.T) {
	t.Parallel()
	r := testkit.Random(t)
	for round := range testkit.Rounds(t, 2) {
		t.Run(fmt.Sprint("round ", round), func(t *testing.T) { loseLinks(t, r) })
	}
}

// loseLinks mirrors random changes while links break and processes end, and compares both sides then.
func loseLinks(t *testing.T, r *rand.Rand) {
	from, to := startRedis(t), startRedis(t)
	pushList(t, from, "s:list0", 30_000, 50) // large enough to travel in pieces
	writes := mix(t, from, 3, r.Uint64())
	d := startedMirror(t, newData(t, from, to, stressKeys...))
	for range 8 {
		writes.more(t, r.IntN(150))
		switch r.IntN(3) {
		case 0:
			from.Do(t.Context(), "CLIENT", "KILL", "TYPE", "replica")
		case 1:
			to.Do(t.Context(), "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
		case 2:
			d.Mirror("") // and a new process goes on
			d = startedMirror(t, newData(t, from, to, stressKeys...))
		}
	}
	inStep(t, d)
	requireExact(t, d, writes, from, to)
	for _, key := range to.Keys(t.Context(), "other:*").Val() {
		t.Errorf("a key that is not selected came over: %s", key)
	}
}

func TestMirror_RoundsOfCutoversInBothDirections_IsExact(t *testing.T) {
	t.Parallel()
	r := testkit.Random(t)
	blue, green := startRedis(t), startRedis(t)
	servers := map[deploy.Slice]*testServer{deploy.Blue: blue, deploy.Green: green}
	live := deploy.Blue
	d := startedMirror(t, newData(t, blue, green, stressKeys...))
	for range testkit.Rounds(t, 4) {
		writes := mix(t, servers[live], 2, r.Uint64())
		writes.more(t, 100)
		cutOver(t, d, live, func(settle func()) {
			writes.more(t, 50) // after the preparation too
			writes.stop()
			settle()
			requireEqualKeys(t, blue, green, stressKeys)
		})
		live = live.Other()
	}
	if n := d.Mirrored().Resyncs; n > 1 {
		t.Errorf("%d copies were made", n)
	}
}

// requireExact settles once the changes have stopped, and compares both sides.
func requireExact(t *testing.T, d *Data, writes *changes, from, to *testServer) {
	t.Helper()
	session := copied(t, d, deploy.Blue)
	writes.more(t, 50) // after the preparation too
	writes.stop()
	_, err := session.Settle(t.Context())
	testkit.Must(t, err)
	requireEqualKeys(t, from, to, stressKeys)
	testkit.Must(t, session.Close())
}
