package redisync

// doubts says about commands which doubt they leave. What is not in it leaves full doubt: commands that give or take an
// end, by which two servers part in a way that no later look at ends can find; those that move something from one key to
// another, which one end may keep from both; hashes, whose fields may have ends of their own; and all that redis may learn.
var doubts = map[string]doubt{
	"DEL": noDoubt, "UNLINK": noDoubt, "MSET": noDoubt,

	"APPEND": inDoubtIfEnd, "SETRANGE": inDoubtIfEnd, "SETBIT": inDoubtIfEnd,
	"INCR": inDoubtIfEnd, "INCRBY": inDoubtIfEnd, "DECR": inDoubtIfEnd, "DECRBY": inDoubtIfEnd,

	"LPUSH": inDoubtIfEnd, "RPUSH": inDoubtIfEnd, "LPUSHX": inDoubtIfEnd, "RPUSHX": inDoubtIfEnd, "LPOP": inDoubtIfEnd,
	"RPOP": inDoubtIfEnd, "LREM": inDoubtIfEnd, "LSET": inDoubtIfEnd, "LTRIM": inDoubtIfEnd, "LINSERT": inDoubtIfEnd,

	"SADD": inDoubtIfEnd, "SREM": inDoubtIfEnd,

	"ZADD": inDoubtIfEnd, "ZREM": inDoubtIfEnd, "ZINCRBY": inDoubtIfEnd, "ZREMRANGEBYRANK": inDoubtIfEnd,
	"ZREMRANGEBYSCORE": inDoubtIfEnd, "ZREMRANGEBYLEX": inDoubtIfEnd,
}

// doubtOf is the doubt that a command leaves about the keys that it writes.
func (s keySpec) doubtOf(c command) doubt {
	if !is(c[0], "SET") {
		return s.doubt
	}
	switch {
	case len(c) == 3, len(c) == 5 && is(c[3], "PXAT"):
		return noDoubt
	case len(c) == 4 && is(c[3], "KEEPTTL"):
		return inDoubtIfEnd
	}
	return inDoubt
}

// doubtful returns those of the touched keys that have to be compared.
func (f *follower) doubtful(t touched) (keys []string, err error) {
	for key := range t.those(inDoubt) {
		keys = append(keys, key)
	}
	err = inChunks(t.those(inDoubtIfEnd), func(some []string) error {
		with, err := f.sight.withEnd(some)
		keys = append(keys, with...)
		return err
	})
	return keys, err
}

// withEnd returns those of the keys that have an end on one side at least, or that only one side has.
func (p *pair) withEnd(keys []string) (with []string, err error) {
	if err := p.askBoth(keys, (*conn).sendExpiry); err != nil {
		return nil, err
	}
	for _, key := range keys {
		a, b, err := p.bothExpiries()
		if err != nil {
			return nil, err
		}
		if a >= 0 || a != b {
			with = append(with, key)
		}
	}
	return with, nil
}
