package redisync

import (
	"fmt"
	"strconv"
)

// whole says how a small value of one type is read by one command, and how two answers to it compare.
type whole struct {
	command string
	options []string // what follows the key
	same    func(a, b *conn) (bool, error)
}

var wholeOf = map[string]whole{
	"string": {"GET", nil, func(a, b *conn) (bool, error) { return sameBulk(a, b, 0) }},
	"list":   {"LRANGE", []string{"0", "-1"}, sameList},
	"zset":   {"ZRANGE", []string{"0", "-1", "WITHSCORES"}, sameScored},
	"set":    {"SMEMBERS", nil, func(a, b *conn) (bool, error) { return sameUnordered(a, b, false) }},
	"hash":   {"HGETALL", nil, func(a, b *conn) (bool, error) { return sameUnordered(a, b, true) }},
}

// compareValues looks into small values whose payloads differ.
func (p *pair) compareValues(keys []string) (different []string, err error) {
	if len(keys) == 0 {
		return nil, nil
	}
	kinds, err := p.commonKinds(keys)
	if err != nil {
		return nil, err
	}
	err = p.askBoth(keys, func(c *conn, key string) {
		if w, ok := wholeOf[kinds[key]]; ok {
			c.send(append([]string{w.command, key}, w.options...)...)
		}
	})
	if err != nil {
		return nil, err
	}
	equal := map[string]bool{}
	var refused error // all answers are read nevertheless, so that the next command finds its own
	for _, key := range keys {
		w, ok := wholeOf[kinds[key]]
		if !ok {
			continue
		}
		switch equal[key], err = w.same(p.from, p.to); {
		case err == nil, becameAnother(err):
		case !isReply(err):
			return nil, fmt.Errorf("key %s: %w", shown(key), err)
		case refused == nil:
			refused = fmt.Errorf("key %s: %w", shown(key), err)
		}
	}
	if refused != nil {
		return nil, refused
	}
	for _, key := range keys {
		same, err := p.sameBesides(key, kinds[key], equal[key])
		if err != nil && !becameAnother(err) {
			return nil, fmt.Errorf("key %s: %w", shown(key), err)
		}
		if !same {
			different = append(different, key)
		}
	}
	return different, nil
}

// sameBesides compares what one command does not tell: streams, and the expiries of a hash's fields.
func (p *pair) sameBesides(key, kind string, equal bool) (bool, error) {
	switch {
	case kind == "stream":
		return p.sameStream(key)
	case kind == "hash" && equal:
		return p.sameFieldExpiries(key)
	}
	return equal, nil
}

// becameAnother reports whether a key is gone or of another type since its type was asked for: its value differs, or is about
// to.
func becameAnother(err error) bool { return refusedAs(err, "WRONGTYPE", "ERR no such key", "NOGROUP") }

// commonKinds returns the redis type of each key that has the same one on both sides.
func (p *pair) commonKinds(keys []string) (map[string]string, error) {
	if err := p.askBoth(keys, func(c *conn, key string) { c.send("TYPE", key) }); err != nil {
		return nil, err
	}
	kinds := map[string]string{}
	for _, key := range keys {
		a, err := p.from.status()
		if err != nil {
			return nil, err
		}
		b, err := p.to.status()
		if err != nil {
			return nil, err
		}
		if a == b {
			kinds[key] = a
		}
	}
	return kinds, nil
}

// sameHeads reads the heads of two arrays. If they count differently it passes over both.
func sameHeads(a, b *conn) (n int64, same bool, err error) {
	x, y, err := expectBoth(a, b, '*')
	if err != nil || x == y {
		return x, err == nil, err
	}
	if err := a.skipMany(x); err != nil {
		return 0, false, err
	}
	return 0, false, b.skipMany(y)
}

func sameList(a, b *conn) (bool, error) {
	n, same, err := sameHeads(a, b)
	if err != nil || !same {
		return false, err
	}
	return sameBulks(a, b, n)
}

// sameScored compares members and scores. Servers of different versions write the same score differently.
func sameScored(a, b *conn) (bool, error) {
	if a.side.info.version() == b.side.info.version() {
		return sameList(a, b)
	}
	n, same, err := sameHeads(a, b)
	for i := int64(0); i+1 < n && same && err == nil; i += 2 {
		if same, err = sameMember(a, b); err == nil && !same {
			return false, skipBoth(a, b, n-i-2)
		}
	}
	return same, err
}

func sameMember(a, b *conn) (bool, error) {
	same, err := sameBulk(a, b, 0)
	if err != nil {
		return false, err
	}
	x, _, err := a.bulk()
	if err != nil {
		return false, err
	}
	y, _, err := b.bulk()
	if err != nil {
		return false, err
	}
	p, _ := strconv.ParseFloat(string(x), 64)
	q, _ := strconv.ParseFloat(string(y), 64)
	return same && p == q, nil
}

// sameUnordered compares the members of sets, or the fields and values of hashes, in whatever order they come.
func sameUnordered(a, b *conn, hash bool) (bool, error) {
	n, same, err := sameHeads(a, b)
	if err != nil || !same {
		return false, err
	}
	next := func(c *conn) (name, value string, err error) {
		x, _, err := c.bulk()
		if err != nil || !hash {
			return string(x), "", err
		}
		y, _, err := c.bulk()
		return string(x), string(y), err
	}
	if hash {
		n /= 2
	}
	want := make(map[string]string)
	for range n {
		name, value, err := next(a)
		if err != nil {
			return false, err
		}
		want[name] = value
	}
	for range n {
		name, value, err := next(b)
		if err != nil {
			return false, err
		}
		expected, ok := want[name]
		same = same && ok && expected == value
	}
	return same, nil
}
