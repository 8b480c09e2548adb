package redisync

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"verdigris/deploy"
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

// mix lets several clients make changes until stop is called.
func mix(t testing.TB, s *testServer, clients int, seed uint64) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	for c := range clients {
		group.Go(func() {
			m := mixer{s, rand.New(rand.NewPCG(seed, uint64(c)))}
			for i := c; ctx.Err() == nil; i += clients {
				m.change(ctx, i)
			}
		})
	}
	stop = sync.OnceFunc(func() {
		cancel()
		group.Wait()
	})
	t.Cleanup(stop)
	return stop
}

// stressKeys select what the mixer calls s:, some of it by name.
var stressKeys = []string{"s:*", "s:list1"}

func TestAMirrorIsExactWhateverIsDoneToTheKeys(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			from, to := startRedis(t), startRedis(t)
			pushList(t, from, "s:list0", 30_000, 50) // large enough to travel in pieces
			r := rand.New(rand.NewPCG(seed, 99))
			stop := mix(t, from, 3, seed)
			d := startedMirror(t, newData(t, from, to, stressKeys...))
			for range 10 {
				time.Sleep(time.Duration(r.IntN(60)) * time.Millisecond) // lets changes come
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
			requireExact(t, d, stop, from, to)
			for _, key := range to.Keys(t.Context(), "other:*").Val() {
				t.Errorf("a key that is not selected came over: %s", key)
			}
		})
	}
}

func TestAMirrorIsExactOverCutoversInBothDirections(t *testing.T) {
	blue, green := startRedis(t), startRedis(t)
	servers := map[deploy.Slice]*testServer{deploy.Blue: blue, deploy.Green: green}
	live := deploy.Blue
	d := startedMirror(t, newData(t, blue, green, stressKeys...))
	for round := range uint64(12) {
		stop := mix(t, servers[live], 2, round)
		time.Sleep(50 * time.Millisecond) // lets changes come
		cutOver(t, d, live, func(settle func()) {
			time.Sleep(30 * time.Millisecond) // lets changes come after the preparation too
			stop()
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
func requireExact(t *testing.T, d *Data, stop func(), from, to *testServer) {
	t.Helper()
	session, err := d.Begin(t.Context(), deploy.Blue, deploy.Green)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if _, err := session.Copy(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	time.Sleep(30 * time.Millisecond) // lets changes come after the preparation too
	stop()
	if _, err := session.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	requireEqualKeys(t, from, to, stressKeys)
}
