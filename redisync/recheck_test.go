package redisync

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// partAtTheEnd writes to keys at about their end: a command may reach a key just before its end on the source and just
// after it on the target, and leave a key on both sides, with or without an end, with two values.
func partAtTheEnd(t *testing.T, s *testServer) {
	for i := range testkit.Rounds(t, 100) {
		number, hash, list := fmt.Sprint("number", i), fmt.Sprint("hash", i), fmt.Sprint("list", i)
		s.pipe(t, func(p redis.Pipeliner) {
			ctx := t.Context()
			p.Set(ctx, number, 100, 3*time.Millisecond)
			p.HSet(ctx, hash, "n", 100)
			p.PExpire(ctx, hash, 3*time.Millisecond)
			p.RPush(ctx, list, "a")
			p.PExpire(ctx, list, 3*time.Millisecond)
		})
		time.Sleep(time.Duration(2200+i%100*10) * time.Microsecond) // until about their end, which no condition tells
		for _, command := range []string{"INCR " + number, "PERSIST " + number, "HINCRBY " + hash + " n 1", "PERSIST " + hash,
			"LMOVE " + list + " moved LEFT LEFT", "RPUSH " + list + " b"} {
			var args []any
			for _, word := range strings.Fields(command) {
				args = append(args, word)
			}
			s.do(t, args...) // each by itself
		}
	}
}

func TestCutover_RoundsOfWritesAtTheEndOfKeys_AreRepaired(t *testing.T) {
	t.Parallel()
	for when, afterCopy := range map[string]bool{"before the copy": false, "while requests wait": true} {
		t.Run(when, func(t *testing.T) {
			from, to := startRedis(t), startRedis(t)
			d := startedMirror(t, newData(t, from, to, "*"))
			if !afterCopy {
				partAtTheEnd(t, from)
			}
			cutOver(t, d, deploy.Blue, func(settle func()) {
				if afterCopy {
					partAtTheEnd(t, from)
				}
				settle()
				requireEqualKeys(t, from, to, []string{"*"})
			})
		})
	}
}

func TestWhatReplacesAKeyLeavesItBeyondDoubt(t *testing.T) {
	var touched touched
	for _, step := range []struct {
		command string
		inDoubt bool
	}{
		{"INCR n", true},
		{"set n 1", false},
		{"INCR n", true},
		{"SET n 2 PXAT 99", false},
		{"SET n 3 KEEPTTL", true},
		{"DEL n", false},
		{"SET n 4 NX", true},
		{"UNLINK n", false},
		{"SET n 4 PX 99", true},
		{"MSET n 5", false},
		{"PERSIST n", true},
	} {
		c := commandOf(step.command)
		touched.add(c[1], leavesDoubt(c))
		if got := touched.keys["n"]; got != step.inDoubt {
			t.Errorf("after %s the key is in doubt: %v", step.command, got)
		}
	}
	before := touched.take()
	touched.add([]byte("other"), false)
	touched.merge(before)
	if got := touched.doubtful(); !slices.Equal(got, []string{"n"}) {
		t.Errorf("together with what was before, %q are in doubt", got)
	}
}

// writeOften appends to lists, to all of them with each change.
func writeOften(t *testing.T, s *testServer, lists int) *changes {
	return changing(t, 1, func(int) func(int) {
		return func(int) {
			s.pipe(t, func(p redis.Pipeliner) {
				for i := range lists {
					p.RPush(context.Background(), fmt.Sprint("list", i), "item")
				}
			})
		}
	})
}

// A server tells of the last one who wrote to a key before it sent what it tells: what others wrote right before us goes
// untold.
func TestCutover_RoundsOfWritesRightBeforeOurs_AreRepaired(t *testing.T) {
	t.Parallel()
	const lists = 200
	from, to := startRedis(t), startRedis(t)
	d := startedMirror(t, newData(t, from, to, "*"))
	cutOver(t, d, deploy.Blue, func(settle func()) {
		writes := writeOften(t, from, lists)
		for i := range testkit.Rounds(t, 50) {
			to.do(t, "RPUSH", fmt.Sprint("list", i%lists), "stray") // among what the mirror writes
			writes.more(t, 1)
		}
		writes.stop()
		settle()
		requireEqualKeys(t, from, to, []string{"*"})
	})
}

func TestWhatTheTargetEvictedIsMendedByTheCutover(t *testing.T) {
	t.Parallel()
	const lists = 1000
	from, to := startRedis(t), startRedis(t)
	d := startedMirror(t, newData(t, from, to, "*"))
	from.pipe(t, func(p redis.Pipeliner) {
		for i := range lists {
			p.RPush(t.Context(), fmt.Sprint("list", i), strings.Repeat("x", 300))
		}
	})
	cutOver(t, d, deploy.Blue, func(settle func()) {
		to.do(t, "CONFIG", "SET", "maxmemory-policy", "allkeys-random")
		used := info(parseInfo(to.Info(t.Context(), "memory").Val())).number("used_memory")
		to.do(t, "CONFIG", "SET", "maxmemory", used+20<<10)
		writes := writeOften(t, from, lists)
		testkit.Eventually(t, "keys are evicted", func() bool {
			return info(parseInfo(to.Info(t.Context(), "stats").Val())).number("evicted_keys") > 10
		})
		writes.stop()
		to.do(t, "CONFIG", "SET", "maxmemory", 0)
		settle()
		requireEqualKeys(t, from, to, []string{"*"})
	})
}
