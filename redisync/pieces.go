package redisync

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"

	"verdigris/deploy"
)

// readAhead is how many pieces are on the way at a time, so that neither server waits for the other.
const readAhead = 4

// inPieces asks for the ranges of n elements, some ahead, and has each answer taken in turn.
func inPieces(n, width int64, ask func(first, last string) error, take func(elements int64) error) error {
	pieces := (n + width - 1) / width
	asked := int64(0)
	for taken := range pieces {
		for ; asked < min(pieces, taken+readAhead); asked++ {
			first, last := asked*width, min(n, (asked+1)*width)-1
			if err := ask(strconv.FormatInt(first, 10), strconv.FormatInt(last, 10)); err != nil {
				return err
			}
		}
		if err := take(min(width, n-taken*width)); err != nil {
			return err
		}
	}
	return nil
}

// copyList passes LRANGE answers on as RPUSH arguments.
func (p *pair) copyList(snap snapshot, tmp *assembly, width int64) error {
	ask := func(first, last string) error {
		p.from.send("LRANGE", snap.key, first, last)
		return p.from.flush()
	}
	take := func(elements int64) error {
		if err := p.from.expectElements(elements); err != nil {
			return err
		}
		tmp.piece("RPUSH", elements)
		size, err := p.from.forward(p.to, elements)
		if err != nil {
			return err
		}
		p.bytes.Add(size)
		if err := tmp.sent(elements); err != nil {
			return err
		}
		return tmp.answered(readAhead)
	}
	return inPieces(snap.length, width, ask, take)
}

// expectElements reads the head of an array that must have exactly so many elements.
func (c *conn) expectElements(n int64) error {
	got, err := c.expect('*')
	if err == nil && got != n {
		err = c.fail(fmt.Errorf("%w: it had %d elements where there were %d, while it was read", deploy.ErrDataDiffers, got, n))
	}
	return err
}

// copyScanned passes the answers of HSCAN or SSCAN on as arguments of HSET or SADD. An element that comes twice,
// as scans may give it, does no harm.
func (p *pair) copyScanned(snap snapshot, tmp *assembly, scan, add string, width int64) error {
	return p.from.scan(scan, snap.key, width, func(n int64) error {
		if n == 0 {
			return nil
		}
		tmp.piece(add, n)
		size, err := p.from.forward(p.to, n)
		if err != nil {
			return err
		}
		p.bytes.Add(size)
		if err := tmp.sent(0); err != nil {
			return err
		}
		return tmp.answered(readAhead)
	})
}

// scan walks over a hash or set and has the n strings of each answer taken. The next answer is asked for before
// the one at hand is taken, so that the server does not wait; taking must not ask c for anything else.
func (c *conn) scan(command, key string, width int64, take func(n int64) error, options ...string) error {
	ask := func(cursor string) error {
		c.send(append([]string{command, key, cursor, "COUNT", strconv.FormatInt(width, 10)}, options...)...)
		return c.flush()
	}
	next := "0"
	if err := ask(next); err != nil {
		return err
	}
	for {
		if n, err := c.expect('*'); err != nil || n != 2 {
			return c.fail(cmp.Or(err, errProtocol))
		}
		cursor, _, err := c.bulk()
		if err != nil {
			return err
		}
		n, err := c.expect('*')
		if err != nil {
			return err
		}
		if next = string(cursor); next != "0" {
			if err := ask(next); err != nil {
				return err
			}
		}
		err = take(n)
		if errors.Is(err, errUnequal) && next != "0" {
			return cmp.Or(c.skip(), err) // the answer that was asked for is not wanted any more
		}
		if err != nil || next == "0" {
			return err
		}
	}
}

// copySorted reads members with their scores and writes scores with their members.
func (p *pair) copySorted(snap snapshot, tmp *assembly, width int64) error {
	ask := func(first, last string) error {
		p.from.send("ZRANGE", snap.key, first, last, "WITHSCORES")
		return p.from.flush()
	}
	take := func(elements int64) error {
		if err := p.from.expectElements(2 * elements); err != nil {
			return err
		}
		tmp.piece("ZADD", 2*elements)
		for range elements {
			member, _, err := p.from.bulk()
			if err != nil {
				return err
			}
			score, err := p.from.forward(p.to, 1)
			if err != nil {
				return err
			}
			p.to.arg(string(member))
			p.bytes.Add(score + int64(len(member)))
		}
		if err := tmp.sent(0); err != nil {
			return err
		}
		return tmp.answered(readAhead)
	}
	return inPieces(snap.length, width, ask, take)
}
