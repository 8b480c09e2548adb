package redisync

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"verdigris/deploy"
)

// partAtTheEnd writes to keys at about their end: a command may reach a key just before its end on the source and just
// after it on the target, and leave a key on both sides, with or without an end, with two values.
func partAtTheEnd(t *testing.T, s *testServer) {
	for i := range 400 {
		number, hash, list := fmt.Sprint("number", i), fmt.Sprint("hash", i), fmt.Sprint("list", i)
		s.do(t, "SET", number, 100, "PX", 3)
		s.do(t, "HSET", hash, "n", 100)
		s.do(t, "PEXPIRE", hash, 3)
		s.do(t, "RPUSH", list, "a")
		s.do(t, "PEXPIRE", list, 3)
		time.Sleep(time.Duration(1500+i*2) * time.Microsecond) // until about their end
		s.do(t, "INCR", number)
		s.do(t, "PERSIST", number)
		s.do(t, "HINCRBY", hash, "n", 1)
		s.do(t, "PERSIST", hash)
		s.do(t, "LMOVE", list, "moved", "LEFT", "LEFT")
		s.do(t, "RPUSH", list, "b")
	}
}

func TestValuesThatPartedAtTheEndOfAKeyAreMendedByTheCutover(t *testing.T) {
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

// writeOften appends to lists until stop is called.
func writeOften(t *testing.T, s *testServer, lists int) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		for ctx.Err() == nil {
			s.pipe(t, func(p redis.Pipeliner) {
				for i := range lists {
					p.RPush(context.Background(), fmt.Sprint("list", i), "item")
				}
			})
		}
	})
	stop = sync.OnceFunc(func() {
		cancel()
		done.Wait()
	})
	t.Cleanup(stop)
	return stop
}

// A server tells of the last one who wrote to a key before it sent what it tells: what others wrote right before us goes
// untold.
func TestWhatOthersWroteRightBeforeUsIsMendedByTheCutover(t *testing.T) {
	const lists = 200
	from, to := startRedis(t), startRedis(t)
	d := startedMirror(t, newData(t, from, to, "*"))
	cutOver(t, d, deploy.Blue, func(settle func()) {
		stop := writeOften(t, from, lists)
		for i := range lists {
			to.do(t, "RPUSH", fmt.Sprint("list", i), "stray")
			time.Sleep(300 * time.Microsecond) // among what the mirror writes
		}
		stop()
		settle()
		requireEqualKeys(t, from, to, []string{"*"})
	})
}

func TestWhatTheTargetEvictedIsMendedByTheCutover(t *testing.T) {
	const lists = 1000
	from, to := startRedis(t), startRedis(t)
	d := startedMirror(t, newData(t, from, to, "*"))
	for i := range lists {
		from.do(t, "RPUSH", fmt.Sprint("list", i), strings.Repeat("x", 300))
	}
	cutOver(t, d, deploy.Blue, func(settle func()) {
		to.do(t, "CONFIG", "SET", "maxmemory-policy", "allkeys-random")
		used := info(parseInfo(to.Info(t.Context(), "memory").Val())).number("used_memory")
		to.do(t, "CONFIG", "SET", "maxmemory", used+20<<10)
		stop := writeOften(t, from, lists)
		eventually(t, "keys are evicted", func() bool {
			return info(parseInfo(to.Info(t.Context(), "stats").Val())).number("evicted_keys") > 10
		})
		stop()
		to.do(t, "CONFIG", "SET", "maxmemory", 0)
		settle()
		requireEqualKeys(t, from, to, []string{"*"})
	})
}
