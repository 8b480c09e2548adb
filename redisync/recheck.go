package redisync

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
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
		longer, lists, err := f.sight.unequalLengths(kinds)
		if err != nil {
			return nil, err
		}
		other, err := f.sight.unequalEnds(lists)
		if err != nil {
			return nil, err
		}
		different = append(append(different, longer...), other...)
	}
	return different, nil
}

// unequalLengths returns the collections that have not as many elements on one side as on the other, and the lists that
// do, with how many.
func (p *pair) unequalLengths(kinds map[string]string) (different []string, lists map[string]int64, err error) {
	var keys []string
	for key, kind := range kinds {
		if lengthOf[kind] != "" {
			keys = append(keys, key)
		}
	}
	if err := p.askBoth(keys, func(c *conn, key string) { c.send(lengthOf[kinds[key]], key) }); err != nil {
		return nil, nil, err
	}
	lists = map[string]int64{}
	for _, key := range keys {
		a, err := p.from.integer()
		if err != nil {
			return nil, nil, err
		}
		b, err := p.to.integer()
		switch {
		case err != nil:
			return nil, nil, err
		case a != b:
			different = append(different, key)
		case kinds[key] == "list":
			lists[key] = a
		}
	}
	return different, lists, nil
}

const (
	endElements = 64        // of a list that are compared at either end, at most
	endBytes    = 256 << 10 // and about how much they may have
)

// unequalEnds compares the elements at both ends of lists of that many elements; fewer of those that have large ones.
func (p *pair) unequalEnds(lists map[string]int64) (different []string, err error) {
	keys := slices.Sorted(maps.Keys(lists))
	sizes, err := p.from.sizes(keys)
	if err != nil {
		return nil, err
	}
	width := map[string]int64{}
	for i, key := range keys {
		width[key] = min(endElements, endBytes/max(1, sizes[i]/max(1, lists[key])))
	}
	keys = slices.DeleteFunc(keys, func(key string) bool { return width[key] == 0 })
	err = p.askBoth(keys, func(c *conn, key string) {
		c.send("LRANGE", key, "0", strconv.FormatInt(width[key]-1, 10))
		c.send("LRANGE", key, strconv.FormatInt(-width[key], 10), "-1")
	})
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		first, err := sameList(p.from, p.to)
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", shown(key), err)
		}
		last, err := sameList(p.from, p.to)
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", shown(key), err)
		}
		if !first || !last {
			different = append(different, key)
		}
	}
	return different, nil
}
