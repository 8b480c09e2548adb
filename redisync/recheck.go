package redisync

import (
	"context"
	"fmt"
	"slices"
)

// readings are what one side says of keys: when each ends, at one offset of the stream where that counts.
type readings struct {
	ends   map[string]expiry
	offset int64
}

// recheck compares the touched keys in whether they exist and when they end, and has those that differ read anew. It
// returns how many it compared. Keys that are changed meanwhile are left for the next time.
func (f *follower) recheck(ctx context.Context) (compared int, err error) {
	keys, all := f.touched.take()
	if all {
		return 0, f.verify(ctx)
	}
	for some := range slices.Chunk(keys, refreshed*5) {
		there, err := f.readEnds(f.from, some)
		if err != nil {
			return compared, err
		}
		if err := f.until(ctx, there.offset); err != nil {
			return compared, err
		}
		here, err := f.readEnds(f.sight.to, some)
		if err != nil {
			return compared, err
		}
		for _, key := range some {
			a, b := there.ends[key], here.ends[key]
			if !f.sameExpiry(a, b) && !(a.passing() && b.passing()) && !f.touched.has(key) {
				f.taint(key)
			}
		}
		compared += len(some)
	}
	return compared, f.flush()
}

// readEnds asks a side for the ends of keys, all at one moment, and for the offset of its stream at that moment.
func (f *follower) readEnds(c *conn, keys []string) (readings, error) {
	r := readings{ends: map[string]expiry{}}
	c.send("MULTI")
	c.sendOffset()
	for _, key := range keys {
		c.sendExpiry(key)
	}
	c.send("EXEC")
	if err := c.flush(); err != nil {
		return r, err
	}
	if err := c.transaction(1 + len(keys)*c.expiryCommands()); err != nil {
		return r, err
	}
	var err error
	if r.offset, err = c.offset(); err != nil {
		return r, err
	}
	for _, key := range keys {
		if r.ends[key], err = c.expiry(); err != nil {
			return r, err
		}
	}
	return r, nil
}

// edge is how many elements of a list are compared at either end.
const edge = 64

// sameShape compares the touched keys once nothing writes: their types, how many elements they have and, of lists, the
// elements at both ends. What the stream did is the same on both sides; this finds out if it was not.
func (f *follower) sameShape(keys []string) (different []string, err error) {
	for some := range slices.Chunk(keys, batchSize) {
		kinds, err := f.sight.commonKinds(some)
		if err != nil {
			return nil, err
		}
		for _, key := range some {
			if _, same := kinds[key]; !same {
				different = append(different, key)
				delete(kinds, key)
			}
		}
		shapes, err := f.sight.unequalShapes(kinds)
		if err != nil {
			return nil, err
		}
		different = append(different, shapes...)
	}
	return different, nil
}

// unequalShapes asks both sides about collections, all at once.
func (p *pair) unequalShapes(kinds map[string]string) (different []string, err error) {
	var keys []string
	for key, kind := range kinds {
		if lengthOf[kind] != "" {
			keys = append(keys, key)
		}
	}
	err = p.askBoth(keys, func(c *conn, key string) {
		c.send(lengthOf[kinds[key]], key)
		if kinds[key] == "list" {
			c.send("LRANGE", key, "0", fmt.Sprint(edge-1))
			c.send("LRANGE", key, fmt.Sprint(-edge), "-1")
		}
	})
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		same, err := p.sameAnswers(kinds[key])
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", shown(key), err)
		}
		if !same {
			different = append(different, key)
		}
	}
	return different, nil
}

func (p *pair) sameAnswers(kind string) (bool, error) {
	a, err := p.from.integer()
	if err != nil {
		return false, err
	}
	b, err := p.to.integer()
	if err != nil {
		return false, err
	}
	same := a == b
	if kind != "list" {
		return same, nil
	}
	for range 2 {
		ends, err := sameList(p.from, p.to)
		if err != nil {
			return false, err
		}
		same = same && ends
	}
	return same, nil
}
