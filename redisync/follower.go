package redisync

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// follower carries a source's stream of changes out on the target: what concerns selected keys, in the order of the
// stream, each change once. It is at home in one goroutine.
//
// The stream says what was done to a key, which is of use only to somebody who has the key as it was before. A key is
// therefore read once, together with the offset of the stream at that moment, and what the stream says up to there is
// passed over for it. Where the offset is not known, or a command mixes keys that we have with keys that we do not
// have, the key becomes dirty: it is read anew, offset included, before anything else is done to it.
type follower struct {
	*pair        // from is for reading keys; to is tracked, and alone writes
	sight  *pair // the same with another connection to the target, for comparing both sides
	link   *link
	decode decoder
	table  commandTable
	db     int   // that the stream has selected
	at     []int // room for where keys are

	batch []command // what the target has yet to do
	sized int       // its size in bytes
	runs  []run     // how it was sent
	apart bool      // the target would not take commands together
	taken []byte
	since time.Time // when the oldest of it arrived

	// read says of keys that were read later than the stream is by now, at which offset. Up to the offset window, keys
	// that are not in it may have been read at any moment.
	read   map[string]int64
	latest int64 // the largest in read
	window int64
	dirty  map[string]struct{}

	touched  touched
	isMarked bool       // the target may have a marker
	marked   time.Time  // when it was last written
	blocked  error      // why the target takes no writes for now
	resting  bool       // both sides are equal, and the target is the app's to write
	ready    *readiness // for a cutover; nil while none is prepared
	back     position   // in the target's own stream, when both sides were equal
	left     bool       // another mirror goes on with the servers

	due     *time.Timer // when it is tended next
	isQuiet bool        // nothing was written since it was last tended

	changes int64 // of selected keys, by the source
	beat    beat
	leased  time.Time // when the lease was last renewed

	asked   bool // the source waits for an acknowledgement
	applied atomic.Int64
	lag     atomic.Int64 // nanoseconds
}

// stir has a follower tended soon, because something was written on one of the sides.
func (f *follower) stir() {
	if f.isQuiet {
		f.isQuiet = false
		f.due.Reset(tendEvery)
	}
}

// What ends a follower that has to begin anew.
var (
	errResync   = errors.New("the source replaced all its keys at once")
	errLinkLost = errors.New("the link to the source broke")
)

// tornError means that a command was taken off the stream and not seen to: nothing after it may be carried out.
type tornError struct{ error }

func (e *tornError) Unwrap() error { return e.error }

const (
	maxBatch = 1000      // commands that the target does in one go
	maxBytes = 512 << 10 // and their size
)

func newFollower(p *pair, sight *conn, l *link, table commandTable) *follower {
	f := &follower{pair: p, sight: &pair{pass: p.pass, from: p.from, to: sight}, link: l, table: table, read: map[string]int64{}, dirty: map[string]struct{}{}, isMarked: true, changes: 1}
	p.pass.readAt = func(key string, offset int64) {
		f.read[key], f.latest = offset, max(f.latest, offset)
		delete(f.dirty, key)
	}
	f.join(l)
	return f
}

// join takes up the stream of a link.
func (f *follower) join(l *link) {
	f.link, f.db = l, l.start.db
	f.decode = decoder{offset: l.start.offset}
	f.applied.Store(l.start.offset)
}

// step carries out what has arrived so far.
func (f *follower) step() error {
	if f.blocked != nil || len(f.dirty) > 0 {
		if err := f.flush(); err != nil {
			return err
		}
		if err := f.work(); err != nil {
			return err
		}
	}
	back := f.taken
	if f.decode.holds() {
		back = nil // the beginning of what comes next is still in it
	}
	data, since, err := f.link.spool.take(back)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", errLinkLost, err)
	case len(data) == 0:
		return nil
	}
	f.taken, f.since = data, since
	f.decode.feed(data)
	return f.work()
}

// work carries out what has been fed to the decoder.
func (f *follower) work() error {
	for {
		u, err := f.decode.next()
		if errors.Is(err, errIncomplete) {
			return f.flush()
		}
		if err != nil {
			return f.from.fail(err)
		}
		for _, c := range u.commands {
			if err := f.sort(c, u.end); err != nil {
				return &tornError{err}
			}
		}
		if len(f.batch) >= maxBatch || f.sized >= maxBytes {
			if err := f.flush(); err != nil {
				return err
			}
		}
	}
}

func (f *follower) add(c command) {
	f.batch = append(f.batch, c)
	f.sized += c.size()
}

// taint makes a key dirty.
func (f *follower) taint(key string) { f.dirty[key] = struct{}{} }

// flush lets the target do what there is to do, and reads dirty keys anew.
func (f *follower) flush() error {
	if f.decode.offset >= f.latest && len(f.read) > 0 {
		clear(f.read)
	}
	if err := f.carryOut(); err != nil {
		return err
	}
	if len(f.dirty) > 0 {
		if err := f.refresh(); err != nil {
			return err
		}
	}
	f.progress()
	return nil
}

// progress notes how far the target is.
func (f *follower) progress() {
	if f.decode.offset == f.applied.Load() {
		return
	}
	f.applied.Store(f.decode.offset)
	f.link.acked.Store(f.decode.offset)
	if f.asked {
		f.asked = false
		f.link.answer()
	}
	if !f.since.IsZero() {
		f.lag.Store(int64(time.Since(f.since)))
	}
}

// exact tells whether the target has all selected keys as they were at one offset of the stream.
func (f *follower) exact() bool {
	return len(f.dirty) == 0 && len(f.read) == 0 && f.decode.offset >= f.window && f.db != unknownDB
}

// until carries the stream out up to an offset, and until no key is dirty.
func (f *follower) until(ctx context.Context, offset int64) error {
	if len(f.batch) > 0 { // what the target would not take when it came is decoded and not done
		if err := f.flush(); err != nil {
			return err
		}
	}
	for f.decode.offset < offset || len(f.dirty) > 0 {
		if err := f.step(); err != nil {
			return err
		}
		if f.decode.offset >= offset {
			continue
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-f.link.spool.ready:
		}
	}
	return nil
}
