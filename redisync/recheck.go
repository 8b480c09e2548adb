package redisync

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// recheck compares the touched keys, in doubt or not, and has those that differ read anew. Keys that are changed meanwhile
// are left for the next time.
func (f *follower) recheck(ctx context.Context) (err error) {
	due := f.touched.take()
	defer func() {
		if err != nil {
			f.touched.merge(due)
		}
	}()
	if due.all {
		return f.verify(ctx)
	}
	if err := f.catchUp(ctx); err != nil {
		return err
	}
	different, err := f.unequal(slices.Collect(maps.Keys(due.keys)))
	if err == nil {
		err = f.catchUp(ctx) // keys that differ because a change is on its way are touched by then
	}
	if err != nil {
		return err
	}
	for _, key := range different {
		if !f.touched.has(key) {
			f.taint(key)
		}
	}
	return f.flush()
}

// unequal returns those of the keys that differ between the source as it is now and the target as far as it is.
func (f *follower) unequal(keys []string) (different []string, err error) {
	for some := range slices.Chunk(keys, batchSize) {
		unequal, err := f.sight.unequal(some)
		if err != nil {
			return nil, err
		}
		different = append(different, unequal...)
	}
	return different, nil
}

// catchUp brings the target to where the source is now.
func (f *follower) catchUp(ctx context.Context) error {
	now, err := f.transfer.from.replication(ctx)
	if err != nil {
		return err
	}
	return f.until(ctx, now.number("master_repl_offset"))
}

// unequal returns those of the keys that differ. Small values are compared completely: a command that came just before
// a key's end on the source and just after it on the target leaves another value and no other trace. Of large ones only
// the shape is compared, so that requests do not wait for it.
func (p *pair) unequal(keys []string) (different []string, err error) {
	found, err := p.from.weighed(keys)
	if err != nil {
		return nil, err
	}
	var small, large []string
	for i, key := range found.keys {
		if found.sizes[i] <= pieceThreshold {
			small = append(small, key)
		} else {
			large = append(large, key)
		}
	}
	if different, err = p.compareSmall(small, true); err != nil {
		return nil, err
	}
	more, err := p.unequalShapes(large)
	return append(different, more...), err
}

// unequalShapes compares when keys end, their types, how long they are and, of lists, the elements at both ends.
func (p *pair) unequalShapes(keys []string) (different []string, err error) {
	if len(keys) == 0 {
		return nil, nil
	}
	if different, err = p.unequalExpiries(keys); err != nil {
		return nil, err
	}
	kinds, err := p.commonKinds(keys)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if _, same := kinds[key]; !same {
			different = append(different, key)
		}
	}
	longer, lists, err := p.unequalLengths(kinds)
	if err != nil {
		return nil, err
	}
	other, err := p.unequalEnds(lists)
	return slices.Concat(different, longer, other), err
}

func (p *pair) unequalExpiries(keys []string) (different []string, err error) {
	if err := p.askBoth(keys, (*conn).sendExpiry); err != nil {
		return nil, err
	}
	for _, key := range keys {
		a, b, err := p.bothExpiries()
		if err != nil {
			return nil, err
		}
		if !p.sameExpiry(a, b) && !(a.passing() && b.passing()) {
			different = append(different, key)
		}
	}
	return different, nil
}

// longBy names the command that says how long a value of that type is; none for types of modules.
func longBy(kind string) string {
	switch kind {
	case "string":
		return "STRLEN"
	case "stream":
		return "XLEN"
	}
	return lengthOf[kind]
}

// unequalLengths returns the keys that are not as long on one side as on the other, and the lists that are, with how many
// elements they have.
func (p *pair) unequalLengths(kinds map[string]string) (different []string, lists map[string]int64, err error) {
	var keys []string
	for key, kind := range kinds {
		if longBy(kind) != "" {
			keys = append(keys, key)
		}
	}
	if err := p.askBoth(keys, func(c *conn, key string) { c.send(longBy(kinds[key]), key) }); err != nil {
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
