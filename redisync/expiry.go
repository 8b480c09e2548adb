package redisync

import (
	"strconv"
	"time"
)

// expiry is when a key ends, in Unix milliseconds, or one of the two below.
type expiry int64

// What redis says of keys without an end, and of keys that do not exist.
const (
	never expiry = -1
	noKey expiry = -2
)

// blur is how far two readings of one expiry may lie apart where a server cannot tell it exactly.
const blur = 200 * time.Millisecond

// sendExpiry asks when a key ends: by PEXPIRETIME, which is exact, or on redis before 7.0 by the time that is left.
func (c *conn) sendExpiry(key string) {
	if c.side.can.expireTime {
		c.send("PEXPIRETIME", key)
		return
	}
	c.send("TIME")
	c.send("PTTL", key)
}

// expiryCommands is how many commands sendExpiry sends.
func (c *conn) expiryCommands() int {
	if c.side.can.expireTime {
		return 1
	}
	return 2
}

// expiry reads the answer to sendExpiry.
func (c *conn) expiry() (expiry, error) {
	if c.side.can.expireTime {
		at, err := c.integer()
		return expiry(at), err
	}
	clock, err := c.bulks() // seconds and microseconds
	if err != nil {
		return 0, err
	}
	left, err := c.integer()
	if err != nil || left < 0 {
		return expiry(left), err
	}
	if len(clock) != 2 {
		return 0, c.fail(errProtocol)
	}
	seconds, _ := strconv.ParseInt(clock[0], 10, 64)
	micros, _ := strconv.ParseInt(clock[1], 10, 64)
	return expiry(seconds*1000 + micros/1000 + left), nil
}

// String is the expiry as redis takes it in PEXPIREAT.
func (e expiry) String() string { return strconv.FormatInt(int64(e), 10) }

// restored is the expiry as RESTORE ... ABSTTL takes it, where 0 stands for none.
func (e expiry) restored() string { return max(e, 0).String() }

// passing tells whether a key is gone or about to go, so that it is no difference if one side has it still.
func (e expiry) passing() bool {
	return e == noKey || e >= 0 && time.UnixMilli(int64(e)).Before(time.Now().Add(time.Second))
}

// sameExpiry compares the readings of both sides, to the millisecond where both can tell.
func (p *pair) sameExpiry(a, b expiry) bool {
	if p.from.side.can.expireTime && p.to.side.can.expireTime || a < 0 || b < 0 {
		return a == b
	}
	return (a - b).abs() <= expiry(blur.Milliseconds())
}

func (e expiry) abs() expiry { return max(e, -e) }

// ends asks when keys end.
func (c *conn) ends(keys []string) ([]expiry, error) {
	for _, key := range keys {
		c.sendExpiry(key)
	}
	if err := c.flush(); err != nil {
		return nil, err
	}
	ends := make([]expiry, len(keys))
	for i := range ends {
		var err error
		if ends[i], err = c.expiry(); err != nil {
			return nil, err
		}
	}
	return ends, nil
}
