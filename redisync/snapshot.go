package redisync

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"time"
)

// ownExpiry is after how long a key of our own goes by itself, should we die before we remove it. It bounds how
// long the copy of one key may take.
const ownExpiry = time.Hour

// errOnlyWhole means that a value cannot be copied in pieces and has to travel in one.
var errOnlyWhole = errors.New("the value has to travel in one piece")

// snapshot is the value of one key, standing still while it is read in pieces.
type snapshot struct {
	key     string // where the value is read
	kind    string // its redis type
	length  int64  // elements; 0 if the key was gone
	expires expiry // of the key that it is a snapshot of
	own     bool   // whether key is one of our own, to be removed afterwards
	offset  int64  // of the source's stream when it was taken; 0 where that is not known
}

// snapshots make values stand still.
type snapshots interface {
	// take makes the value of a collection (list, hash, set or sorted set) of about that many bytes stand still,
	// or returns errOnlyWhole. A snapshot of its own is the caller's to remove, after an error too.
	take(c *conn, key, kind string, size int64) (snapshot, error)
}

// snapshotCopies takes snapshots by a server-side COPY: a moment of the server's time, about a millisecond per
// MB, and the memory of a second copy while it lasts.
type snapshotCopies struct{ *transfer }

func (s snapshotCopies) take(c *conn, key, kind string, size int64) (snapshot, error) {
	if room, err := s.from.room(c.ctx, size); err != nil || !room {
		return snapshot{}, cmp.Or(err, errOnlyWhole)
	}
	taken := snapshot{key: snapshotPrefix + key, kind: kind, own: true}
	c.send("MULTI")
	c.sendOffset()
	c.sendExpiry(key)
	c.send("COPY", key, taken.key, "REPLACE")
	c.send("PEXPIRE", taken.key, strconv.FormatInt(ownExpiry.Milliseconds(), 10))
	c.send(lengthOf[kind], taken.key)
	c.send("EXEC")
	err := c.readSnapshot(&taken)
	if refusedAs(err, "OOM", "WRONGTYPE") { // no memory, or the key has become another type
		return taken, errOnlyWhole
	}
	return taken, err
}

func (c *conn) readSnapshot(s *snapshot) (err error) {
	if err := c.flush(); err != nil {
		return err
	}
	if err := c.transaction(c.expiryCommands() + 4); err != nil {
		return err
	}
	if s.offset, err = c.offset(); err != nil {
		return err
	}
	if s.expires, err = c.expiry(); err != nil {
		return err
	}
	for range 2 { // COPY and PEXPIRE
		if err := c.skip(); err != nil {
			return err
		}
	}
	if s.length, err = c.integer(); s.expires == noKey {
		s.length = 0 // what was counted is left from another time
	}
	return err
}

// room tells whether the server makes snapshots and has memory for a second copy of a value. Where it has not, COPY
// would be refused or, worse, make the server evict keys.
func (s *server) room(ctx context.Context, size int64) (bool, error) {
	if !s.can.snapshot || s.info.number("maxmemory") == 0 {
		return s.can.snapshot, nil
	}
	text, err := s.client.Info(ctx, "memory").Result()
	if err != nil {
		return false, s.fail(ctx, err)
	}
	now := parseInfo(text)
	limit := now.number("maxmemory")
	return limit == 0 || now.number("used_memory")+size+size/4 <= limit, nil
}

// stillKeys are for when nothing writes: the keys are read where they are.
type stillKeys struct{}

func (stillKeys) take(c *conn, key, kind string, _ int64) (s snapshot, err error) {
	c.sendExpiry(key)
	c.send(lengthOf[kind], key)
	if err := c.flush(); err != nil {
		return s, err
	}
	s = snapshot{key: key, kind: kind}
	if s.expires, err = c.expiry(); err != nil {
		return s, err
	}
	s.length, err = c.integer()
	return s, err
}

// clear removes a key of our own after the work with it, which was done over c and ended with the error done. If
// it failed, commands may be on their way still that would make the key anew: they have to end first.
func (p *pair) clear(c *conn, key string, done error) error {
	if done == nil || errors.Is(done, errOnlyWhole) {
		c.send("UNLINK", key)
		return cmp.Or(c.ask(), done)
	}
	c.retire()
	if err := c.side.forget(c.ctx, key); err != nil {
		p.log.Warn("leave a temporary key to its expiry", "slice", c.side.slice, "key", key, "after", ownExpiry, "error", err)
	}
	return done
}
