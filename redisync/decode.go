package redisync

import (
	"bytes"
	"errors"
	"strconv"
)

// command is one command of a stream: its name and arguments.
type command [][]byte

// unit is what has to be carried out as a whole: one command, or the commands of one transaction.
type unit struct {
	commands []command
	end      int64 // the offset in the stream after it
}

// decoder cuts a stream into units. Commands are parts of the data that was fed, and valid until the next feed.
type decoder struct {
	data   []byte // what is not decoded yet
	offset int64  // of the stream, before data
	args   [][]byte
	list   []command
}

// errIncomplete means that the rest of a unit has not arrived yet.
var errIncomplete = errors.New("the unit is not complete yet")

// feed adds data that follows what was fed before. It takes the data over.
func (d *decoder) feed(data []byte) {
	if len(d.data) > 0 {
		data = append(append(make([]byte, 0, len(d.data)+len(data)), d.data...), data...)
	}
	d.data, d.args, d.list = data, d.args[:0], d.list[:0]
}

// next returns the next unit, or errIncomplete. A unit without commands moved the stream on all the same.
func (d *decoder) next() (u unit, err error) {
	first, rest := len(d.list), d.data
	for inside := false; ; {
		c, after, err := d.command(rest)
		if err != nil {
			d.list = d.list[:first]
			return unit{}, err
		}
		rest = after
		switch {
		case c == nil: // a newline, which keeps the connection alive
		case is(c[0], "MULTI"):
			inside = true
			continue
		case is(c[0], "EXEC"):
			inside = false
		default:
			d.list = append(d.list, c)
		}
		if !inside {
			break
		}
	}
	d.offset += int64(len(d.data) - len(rest))
	d.data = rest
	return unit{d.list[first:len(d.list):len(d.list)], d.offset}, nil
}

// command reads one command, and returns what follows it.
func (d *decoder) command(b []byte) (c command, rest []byte, err error) {
	if len(b) > 0 && b[0] == '\n' {
		return nil, b[1:], nil
	}
	n, b, err := head(b, '*')
	if err != nil {
		return nil, nil, err
	}
	first := len(d.args)
	for range n {
		var size int64
		if size, b, err = head(b, '$'); err != nil {
			break
		}
		if int64(len(b)) < size+2 {
			err = errIncomplete
			break
		}
		d.args = append(d.args, b[:size:size])
		b = b[size+2:]
	}
	if err != nil || n == 0 {
		d.args = d.args[:first]
		return nil, b, err
	}
	return d.args[first:len(d.args):len(d.args)], b, nil
}

// head reads the first line of an array or string, and its number.
func head(b []byte, kind byte) (n int64, rest []byte, err error) {
	eol := bytes.IndexByte(b[:min(len(b), 24)], '\n')
	switch {
	case eol < 0 && len(b) < 24:
		return 0, nil, errIncomplete
	case eol < 3 || b[0] != kind:
		return 0, nil, errProtocol
	}
	n, ok := parseInt(b[1 : eol-1])
	if !ok || n < 0 || !plausible(kind, n) {
		return 0, nil, errProtocol
	}
	return n, b[eol+1:], nil
}

// is tells whether the word is that one, which is given in upper case.
func is(word []byte, upper string) bool {
	return len(word) == len(upper) && bytes.EqualFold(word, []byte(upper))
}

// size is how many bytes the command takes on the wire, about.
func (c command) size() int {
	n := 0
	for _, arg := range c {
		n += len(arg) + len(strconv.Itoa(len(arg))) + 5
	}
	return n
}
