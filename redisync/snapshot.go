package redisync

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// ownExpiry is after how long a key of our own goes by itself, should we die before we remove it. It bounds how
// long the copy of one key may take.
const ownExpiry = time.Hour

// errNoSnapshot means that the source cannot make a key stand still; the value has to travel in one piece.
var errNoSnapshot = errors.New("the source makes no snapshots")

// snapshot is the value of one key, standing still while it is read in pieces.
type snapshot struct {
	key     string // where the value is read; empty if the key was gone
	kind    string // its redis type
	length  int64  // elements
	expires expiry // of the key that it is a snapshot of
	release func() // must be called
}

// snapshots make values stand still. A mirror, which follows the source's replication stream, is to know at
// which point of the stream each snapshot was taken: one more implementation.
type snapshots interface {
	// take makes the value of a collection (list, hash, set or sorted set) of about that many bytes stand still.
	// It returns errNoSnapshot where that cannot be done.
	take(c *conn, key, kind string, size int64) (snapshot, error)
}

// snapshotCopies takes snapshots by a server-side COPY: a moment of the server's time, about a millisecond per
// MB, and the memory of a second copy while it lasts.
type snapshotCopies struct{ *transfer }

func (s snapshotCopies) take(c *conn, key, kind string, size int64) (snapshot, error) {
	if room, err := s.from.room(c.ctx, size); err != nil {
		return snapshot{}, err
	} else if !room || !s.from.can.snapshot {
		return snapshot{}, errNoSnapshot
	}
	snap := snapshotPrefix + key
	release := func() { s.discard(c.ctx, s.from, snap) }
	taken, err := c.copyForSnapshot(key, snap, kind)
	switch {
	case refusedAs(err, "OOM", "WRONGTYPE"): // no memory, or the key has become another type
		release()
		return snapshot{}, errNoSnapshot
	case err != nil:
		release()
		return snapshot{}, fmt.Errorf("take snapshot of %s: %w", shown(key), err)
	case taken.key != "":
		taken.release = release
	}
	return taken, nil
}

func (c *conn) copyForSnapshot(key, snap, kind string) (s snapshot, err error) {
	c.send("MULTI")
	c.sendExpiry(key)
	c.send("COPY", key, snap, "REPLACE")
	c.send("PEXPIRE", snap, strconv.FormatInt(ownExpiry.Milliseconds(), 10))
	c.send(lengthOf[kind], snap)
	c.send("EXEC")
	if err := c.flush(); err != nil {
		return s, err
	}
	if err := c.transaction(c.expiryCommands() + 3); err != nil {
		return s, err
	}
	s = snapshot{kind: kind, release: func() {}}
	if s.expires, err = c.expiry(); err != nil {
		return s, err
	}
	copied, failed := c.integer()
	if err := errors.Join(failed, c.skip()); err != nil {
		return s, err
	}
	if s.length, err = c.integer(); err != nil {
		return s, err
	}
	if copied == 1 {
		s.key = snap
	}
	return s, nil
}

// room tells whether the server has memory for a second copy of a value. Where it has not, COPY would be refused
// or, worse, make the server evict keys.
func (s *server) room(ctx context.Context, size int64) (bool, error) {
	if s.info.number("maxmemory") == 0 {
		return true, nil
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
	s = snapshot{key: key, kind: kind, release: func() {}}
	if s.expires, err = c.expiry(); err != nil {
		return s, err
	}
	if s.length, err = c.integer(); err == nil && s.length == 0 {
		s.key = ""
	}
	return s, err
}

// discard removes a key of our own.
func (t *transfer) discard(ctx context.Context, s *server, key string) {
	if err := s.forget(ctx, key); err != nil {
		t.log.Warn("leave a temporary key to its expiry", "slice", s.slice, "key", key, "after", ownExpiry, "error", err)
	}
}
