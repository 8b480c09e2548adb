package redisync

import (
	"fmt"
	"io"
)

// What an answer may announce before it is taken for nonsense; redis itself stops far below.
const (
	maxCount = 1 << 31 // elements of an array
	maxSize  = 1 << 40 // bytes of a string
)

// line reads the first line of an answer without its end. It is valid until the next read. What a server tells unasked
// comes in between and is no answer.
func (c *conn) line() ([]byte, error) {
	for {
		l, err := c.plainLine()
		if err != nil || l[0] != '>' || c.told == nil {
			return l, err
		}
		if err := c.push(l); err != nil {
			return nil, err
		}
	}
}

func (c *conn) plainLine() ([]byte, error) {
	l, err := c.r.ReadSlice('\n')
	if err != nil {
		return nil, c.fail(err)
	}
	if len(l) < 3 || l[len(l)-2] != '\r' {
		return nil, c.fail(errProtocol)
	}
	return l[:len(l)-2], nil
}

// expect reads the first line of an answer of that kind and returns its number: the value of an integer (':'),
// the size of a bulk string ('$') or the count of an array ('*'). -1 for the latter two stands for nothing there.
func (c *conn) expect(kind byte) (int64, error) {
	l, err := c.line()
	if err != nil {
		return 0, err
	}
	if l[0] == '-' {
		return 0, c.fail(replyError(l[1:]))
	}
	if l[0] == '_' { // RESP3 has one nothing for all kinds
		return -1, nil
	}
	n, ok := parseInt(l[1:])
	if l[0] != kind || !ok || !plausible(kind, n) {
		return 0, c.fail(fmt.Errorf("%w: %.40q", errProtocol, l))
	}
	return n, nil
}

func (c *conn) integer() (int64, error) { return c.expect(':') }

// status reads a simple string such as OK.
func (c *conn) status() (string, error) {
	l, err := c.line()
	if err != nil {
		return "", err
	}
	switch l[0] {
	case '+':
		return string(l[1:]), nil
	case '-':
		return "", c.fail(replyError(l[1:]))
	}
	return "", c.fail(fmt.Errorf("%w: %.40q", errProtocol, l))
}

// bulk reads a bulk string; exists is false for nothing there.
func (c *conn) bulk() (value []byte, exists bool, err error) {
	n, err := c.expect('$')
	if err != nil || n < 0 {
		return nil, false, err
	}
	if n <= bufferSize {
		value = make([]byte, n)
		_, err = io.ReadFull(c.r, value)
	} else { // grow with what arrives, whatever size was announced
		value, err = io.ReadAll(io.LimitReader(c.r, n))
	}
	if err == nil {
		_, err = c.r.Discard(2)
	}
	return value, true, c.fail(err)
}

// bulks reads an array of bulk strings.
func (c *conn) bulks() ([]string, error) {
	n, err := c.expect('*')
	if err != nil {
		return nil, err
	}
	return c.nextBulks(n)
}

// nextBulks reads n bulk strings.
func (c *conn) nextBulks(n int64) ([]string, error) {
	var values []string
	for range n {
		value, _, err := c.bulk()
		if err != nil {
			return nil, err
		}
		values = append(values, string(value))
	}
	return values, nil
}

// drop passes over the rest of a bulk string whose first line has been read.
func (c *conn) drop(size int64) error {
	if size < 0 {
		return nil
	}
	_, err := c.r.Discard(int(size) + 2)
	return c.fail(err)
}

// skip passes over one answer of any kind and returns the first error in it.
func (c *conn) skip() error {
	var first error
	for due := int64(1); due > 0; due-- {
		l, err := c.line()
		if err != nil {
			return err
		}
		switch kind := l[0]; kind {
		case '+', ':', '_', ',', '#', '(':
		case '-':
			if first == nil {
				first = c.fail(replyError(l[1:]))
			}
		case '$', '=':
			n, ok := parseInt(l[1:])
			if !ok || !plausible('$', n) {
				return c.fail(errProtocol)
			}
			if err := c.drop(n); err != nil {
				return err
			}
		case '*', '~', '%':
			n, ok := parseInt(l[1:])
			if kind == '%' {
				n *= 2
			}
			if !ok || !plausible('*', n) || due+n > maxCount {
				return c.fail(errProtocol)
			}
			due += max(n, 0)
		default:
			return c.fail(errProtocol)
		}
	}
	return first
}

// transaction reads the answers to MULTI, to n commands that were queued and to EXEC, up to the results, which
// are the caller's to read. If a command was refused nothing was done and nothing is left to read.
func (c *conn) transaction(n int) error {
	var refused error
	for range n + 1 {
		if _, err := c.status(); err != nil {
			if !isReply(err) {
				return err
			}
			if refused == nil {
				refused = err
			}
		}
	}
	got, err := c.expect('*')
	switch {
	case refused != nil && (err == nil || isReply(err)):
		return refused
	case err != nil:
		return err
	case got != int64(n):
		return c.fail(errProtocol)
	}
	return nil
}

// plausible tells whether an answer of that kind may begin with n.
func plausible(kind byte, n int64) bool {
	switch kind {
	case '$':
		return -1 <= n && n <= maxSize
	case '*':
		return -1 <= n && n <= maxCount
	}
	return true
}

// parseInt reads a decimal number; ok is false for anything else, and for what does not fit.
func parseInt(digits []byte) (n int64, ok bool) {
	negative := len(digits) > 0 && digits[0] == '-'
	if negative {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 19 {
		return 0, false
	}
	for _, d := range digits {
		if d < '0' || d > '9' {
			return 0, false
		}
		n = n*10 + int64(d-'0')
	}
	if n < 0 {
		return 0, false
	}
	if negative {
		n = -n
	}
	return n, true
}
