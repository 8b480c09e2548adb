package redisync

import (
	"fmt"
	"testing"
	"time"

	"verdigris/deploy"
)

// A command may reach a key just before its end on the source and just after it on the target, and leave a key without
// an end on both sides, with two values.
func TestValuesThatPartedAtTheEndOfAKeyAreMendedByTheCutover(t *testing.T) {
	from, to := startRedis(t), startRedis(t)
	d := startedMirror(t, newData(t, from, to, "*"))
	for i := range 400 {
		number, hash := fmt.Sprint("number", i), fmt.Sprint("hash", i)
		from.do(t, "SET", number, 100, "PX", 3)
		from.do(t, "HSET", hash, "n", 100)
		from.do(t, "PEXPIRE", hash, 3)
		time.Sleep(time.Duration(1800+i*2) * time.Microsecond) // until about their end
		from.do(t, "INCR", number)
		from.do(t, "PERSIST", number)
		from.do(t, "HINCRBY", hash, "n", 1)
		from.do(t, "PERSIST", hash)
	}
	cutOver(t, d, deploy.Blue, func(settle func()) {
		settle()
		requireEqualKeys(t, from, to, []string{"*"})
	})
}
