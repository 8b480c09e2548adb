package redisync

import (
	"bytes"
	"errors"
)

// forward passes the next n bulk strings from c's answers on to another connection as they are, as arguments of
// the command that was begun there, and returns how many bytes of payload that was. This is what makes copying
// fast: the bytes of an answer are the bytes of a command, and are never taken apart or held.
func (c *conn) forward(to *conn, n int64) (payload int64, err error) {
	for n > 0 {
		span, count, size := wholeBulks(c.arrived(), n)
		if span == nil {
			size, err = c.forwardOne(to)
			if err != nil {
				return payload, err
			}
			payload, n = payload+size, n-1
			continue
		}
		if _, err := to.w.Write(span); err != nil {
			return payload, to.fail(err)
		}
		c.r.Discard(len(span)) // cannot fail: that much is buffered
		payload, n = payload+size, n-count
	}
	return payload, nil
}

// forwardOne does the same for one bulk string, of any size.
func (c *conn) forwardOne(to *conn) (size int64, err error) {
	size, err = c.expect('$')
	if err != nil {
		return 0, err
	}
	if size < 0 {
		return 0, c.fail(errProtocol)
	}
	return size, c.forwardBody(to, size)
}

// forwardBody writes the bulk string whose first line has been read from c.
func (c *conn) forwardBody(to *conn, size int64) error {
	to.head('$', size)
	for left := size + 2; left > 0; {
		if _, err := c.r.Peek(1); err != nil {
			return c.fail(err)
		}
		part := c.arrived()
		part = part[:min(int64(len(part)), left)]
		if _, err := to.w.Write(part); err != nil {
			return to.fail(err)
		}
		c.r.Discard(len(part))
		left -= int64(len(part))
	}
	return nil
}

// arrived returns what can be read without waiting. It is valid until the next read.
func (c *conn) arrived() []byte {
	b, _ := c.r.Peek(c.r.Buffered())
	return b
}

// wholeBulks finds the longest run of complete bulk strings, n at most, that b begins with.
func wholeBulks(b []byte, n int64) (span []byte, count, payload int64) {
	end := 0
	for count < n && end < len(b) && b[end] == '$' {
		eol := bytes.IndexByte(b[end:min(len(b), end+24)], '\n')
		if eol < 3 {
			break
		}
		size, ok := parseInt(b[end+1 : end+eol-1])
		if !ok || size < 0 || size > int64(len(b)-end-eol-3) {
			break
		}
		end += eol + 1 + int(size) + 2
		payload += size
		count++
	}
	if count == 0 {
		return nil, 0, 0
	}
	return b[:end], count, payload
}

// sameBulks reads n bulk strings from each side and tells whether they are the same, one by one.
func sameBulks(a, b *conn, n int64) (bool, error) {
	for n > 0 {
		x, y := a.arrived(), b.arrived()
		span, count, _ := wholeBulks(x[:min(len(x), len(y))], n)
		if count > 0 && bytes.Equal(span, y[:len(span)]) {
			b.r.Discard(len(span))
			a.r.Discard(len(span))
			n -= count
			continue
		}
		for range max(count, 1) { // the difference is among these, or the next one has not arrived whole
			same, err := sameBulk(a, b, 0)
			if n--; err != nil {
				return false, err
			}
			if !same {
				return false, skipBoth(a, b, n)
			}
		}
	}
	return true, nil
}

// skipBoth passes over n answers of each side, whatever they say.
func skipBoth(a, b *conn, n int64) error {
	for range n {
		for _, c := range []*conn{a, b} {
			if err := c.skip(); err != nil && !isReply(err) {
				return err
			}
		}
	}
	return nil
}

// expectBoth reads the first lines of one answer of each side. Where one of them is an error, the whole of the other is passed
// over, so that what is read next belongs together.
func expectBoth(a, b *conn, kind byte) (x, y int64, err error) {
	x, err = a.expect(kind)
	if err != nil {
		if !isReply(err) {
			return 0, 0, err
		}
		return 0, 0, errors.Join(err, brokenOnly(b.skip()))
	}
	y, err = b.expect(kind)
	if err == nil || !isReply(err) {
		return x, y, err
	}
	rest := func() error { return a.drop(x) }
	if kind == '*' {
		rest = func() error { return a.skipMany(x) }
	}
	return 0, 0, errors.Join(err, brokenOnly(rest()))
}

// brokenOnly leaves out what a server has answered.
func brokenOnly(err error) error {
	if isReply(err) {
		return nil
	}
	return err
}

// skipMany passes over n answers.
func (c *conn) skipMany(n int64) error {
	for range n {
		if err := c.skip(); err != nil {
			return err
		}
	}
	return nil
}

// sameBulk reads one bulk string from each side and compares all of it but the last bytes, of which there are ignore.
func sameBulk(a, b *conn, ignore int64) (bool, error) {
	x, y, err := expectBoth(a, b, '$')
	if err != nil {
		return false, err
	}
	if x != y {
		if err := a.drop(x); err != nil {
			return false, err
		}
		return false, b.drop(y)
	}
	if x < 0 {
		return true, nil
	}
	same, err := sameBytes(a, b, max(0, x-ignore))
	if err != nil {
		return false, err
	}
	tail := x - max(0, x-ignore)
	if err := a.drop(tail); err != nil {
		return false, err
	}
	return same, b.drop(tail)
}

// sameBytes reads n bytes from each side and compares them as they come.
func sameBytes(a, b *conn, n int64) (bool, error) {
	same := true
	for n > 0 {
		for _, c := range []*conn{a, b} {
			if _, err := c.r.Peek(1); err != nil {
				return false, c.fail(err)
			}
		}
		x, y := a.arrived(), b.arrived()
		step := int(min(int64(len(x)), int64(len(y)), n))
		same = same && bytes.Equal(x[:step], y[:step])
		a.r.Discard(step)
		b.r.Discard(step)
		n -= int64(step)
	}
	return same, nil
}
