package redisync

import (
	"fmt"
	"testing"
	"time"

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

func TestWhatACommandLeavesNoDoubtAbout(t *testing.T) {
	table := commandTable{}
	for _, name := range []string{"SET", "DEL", "INCR", "HSET", "PERSIST"} {
		table.learn(name, []any{name, int64(2), []any{"write"}, int64(1), int64(1), int64(1)})
	}
	var touched touched
	for _, step := range []struct {
		command string
		left    doubt
	}{
		{"INCR n", inDoubtIfEnd},
		{"PERSIST n", inDoubt},
		{"INCR n", inDoubt},
		{"set n 1", noDoubt},
		{"SET n 2 PXAT 99", noDoubt},
		{"INCR n", inDoubtIfEnd},
		{"SET n 3 KEEPTTL", inDoubtIfEnd},
		{"DEL n", noDoubt},
		{"HSET n f 1", inDoubt},
		{"SET n 4", noDoubt},
		{"SET n 4 NX", inDoubt},
	} {
		c := commandOf(step.command)
		spec, _ := table.spec(c)
		touched.add(c[1], spec.doubtOf(c))
		if got := touched.keys["n"]; got != step.left {
			t.Errorf("after %s the doubt is %d, want %d", step.command, got, step.left)
		}
	}
	before := touched.take()
	touched.add([]byte("n"), inDoubtIfEnd)
	touched.merge(before)
	if got := touched.keys["n"]; got != inDoubt {
		t.Errorf("together with what was before the doubt is %d", got)
	}
}
