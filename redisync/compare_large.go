package redisync

import (
	"cmp"
	"errors"
)

// errUnequal ends a walk over a value at the first difference.
var errUnequal = errors.New("the values differ")

// sameLarge compares a large value in pieces.
func (p *pair) sameLarge(key string, size int64, letPass bool) (bool, error) {
	if err := p.askBoth([]string{key}, (*conn).sendExpiry); err != nil {
		return false, err
	}
	a, b, err := p.bothExpiries()
	switch {
	case err != nil:
		return false, err
	case letPass && a.passing() && b.passing():
		return true, nil
	case !p.sameExpiry(a, b):
		return false, nil
	}
	kinds, err := p.commonKinds([]string{key})
	if err != nil {
		return false, err
	}
	same, err := p.sameLargeKind(key, kinds[key], size)
	if becameAnother(err) {
		return false, nil
	}
	return same, err
}

func (p *pair) sameLargeKind(key, kind string, size int64) (bool, error) {
	switch {
	case kind == "":
		return false, nil
	case kind == "none":
		return true, nil
	case lengthOf[kind] != "":
		return p.sameCollection(key, kind, size)
	case kind == "string":
		return p.sameAnswer("GET", key, 0)
	}
	same, err := p.sameAnswer("DUMP", key, payloadFooter)
	if err == nil && !same && kind == "stream" {
		return p.sameStream(key)
	}
	return same, err
}

// sameAnswer compares what both sides answer to a command that reads a key as one string.
func (p *pair) sameAnswer(command, key string, ignore int64) (bool, error) {
	if err := p.askBoth([]string{key}, func(c *conn, key string) { c.send(command, key) }); err != nil {
		return false, err
	}
	return sameBulk(p.from, p.to, ignore)
}

func (p *pair) sameCollection(key, kind string, size int64) (bool, error) {
	length, err := p.from.count(kind, key)
	if err != nil {
		return false, err
	}
	other, err := p.to.count(kind, key)
	if err != nil || length != other {
		return false, err
	}
	width := pieceWidth(size, length)
	switch kind {
	case "list":
		return p.sameRanges(key, length, width, "LRANGE", nil, sameList)
	case "zset":
		return p.sameRanges(key, length, width, "ZRANGE", []string{"WITHSCORES"}, sameScored)
	case "set":
		err = p.from.scan("SSCAN", key, width, func(n int64) error { return p.holdMembers(key, n) })
	default:
		err = p.from.scan("HSCAN", key, width, func(n int64) error { return p.holdFields(key, n) })
	}
	switch {
	case errors.Is(err, errUnequal):
		return false, nil
	case err == nil && kind == "hash":
		return p.sameFieldExpiries(key)
	}
	return err == nil, err
}

// sameRanges compares ordered values range by range, some of them asked for ahead, up to the first difference.
func (p *pair) sameRanges(key string, length, width int64, command string, options []string, same func(a, b *conn) (bool, error)) (bool, error) {
	equal, asked := true, 0
	ask := func(first, last string) error {
		if !equal {
			return nil
		}
		asked++
		return p.askBoth([]string{key}, func(c *conn, key string) {
			c.send(append([]string{command, key, first, last}, options...)...)
		})
	}
	take := func(int64) (err error) {
		if asked == 0 {
			return nil
		}
		asked--
		if !equal {
			return skipBoth(p.from, p.to, 1)
		}
		if equal, err = same(p.from, p.to); becameAnother(err) {
			return nil // the other pieces that were asked for are passed over
		}
		return err
	}
	err := inPieces(length, width, ask, take)
	return equal && err == nil, err
}

// holdMembers holds n scanned members of a set against the target's set. Both have the same number of members, so
// that they are equal if the target has all of the source's.
func (p *pair) holdMembers(key string, n int64) error {
	members, err := p.from.nextBulks(n)
	if err != nil {
		return err
	}
	for _, member := range members {
		p.to.send("SISMEMBER", key, member)
	}
	if err := p.to.flush(); err != nil {
		return err
	}
	var refused error
	for range members { // all answers, so that the next command finds its own
		there, answer := p.to.integer()
		switch {
		case answer != nil && !isReply(answer):
			return answer
		case answer != nil:
			refused = answer
		case there == 0:
			err = errUnequal
		}
	}
	return cmp.Or(refused, err)
}

// holdFields does the same for n/2 scanned fields of a hash and their values.
func (p *pair) holdFields(key string, n int64) error {
	pairs, err := p.from.nextBulks(n)
	if err != nil || len(pairs) == 0 {
		return err
	}
	p.to.head('*', n/2+2)
	p.to.arg("HMGET")
	p.to.arg(key)
	for i := 0; i < len(pairs); i += 2 {
		p.to.arg(pairs[i])
	}
	if err := p.to.flush(); err != nil {
		return err
	}
	if got, err := p.to.expect('*'); err != nil || got != n/2 {
		return p.to.fail(cmp.Or(err, errProtocol))
	}
	for i := 1; i < len(pairs); i += 2 {
		value, exists, answer := p.to.bulk()
		if answer != nil {
			return answer
		}
		if !exists || string(value) != pairs[i] {
			err = errUnequal
		}
	}
	return err
}
