package redisync

import (
	"bytes"
	"errors"
	"slices"
)

// command is one command of a stream: its name and arguments.
type command [][]byte

// unit is what has to be carried out as a whole: one command, or the commands of one transaction.
type unit struct {
	commands []command
	end      int64 // the offset in the stream after it
}

// decoder cuts a stream into units. Commands are parts of the data that was fed, and valid until the next feed; those of
// a unit that is not complete, until it is.
type decoder struct {
	data   []byte // what is not decoded yet
	need   int    // how much of it the next command takes at the least
	offset int64  // of the stream, after the last unit
	ahead  int64  // how much is decoded of the unit at hand
	inside bool   // that is a transaction
	args   [][]byte
	list   []command
	first  int // in list, of the unit at hand
}

// errIncomplete means that the rest of a unit has not arrived yet.
var errIncomplete = errors.New("the unit is not complete yet")

// maxKept is how many arguments a decoder has room for from one feed to the next; room for more would hold on to what
// was large once.
const maxKept = 64 << 10

// feed adds data that follows what was fed before. It takes the data over.
func (d *decoder) feed(data []byte) {
	if len(d.data) > 0 {
		if free := cap(d.data) - len(d.data); free < len(data) {
			d.data = slices.Grow(d.data, max(len(data), len(d.data))) // a value of any size is moved a few times only
		}
		data = append(d.data, data...)
	}
	d.data = data
	switch {
	case d.inside:
	case cap(d.args) > maxKept:
		d.args, d.list, d.first = nil, nil, 0
	default:
		d.args, d.list, d.first = d.args[:0], d.list[:0], 0
	}
}

// holds tells whether something that was fed belongs to a unit that is not complete.
func (d *decoder) holds() bool { return len(d.data) > 0 || d.inside }

// next returns the next unit, or errIncomplete. A unit without commands moved the stream on all the same.
func (d *decoder) next() (u unit, err error) {
	for {
		c, err := d.command()
		if err != nil {
			return unit{}, err
		}
		switch {
		case c == nil: // a newline, which keeps the connection alive
		case is(c[0], "MULTI"):
			d.inside = true
		case is(c[0], "EXEC"):
			d.inside = false
		default:
			d.list = append(d.list, c)
		}
		if !d.inside {
			break
		}
	}
	d.offset, d.ahead = d.offset+d.ahead, 0
	first := d.first
	d.first = len(d.list)
	return unit{d.list[first:d.first:d.first], d.offset}, nil
}

// command takes one command off the data.
func (d *decoder) command() (command, error) {
	if len(d.data) < d.need {
		return nil, errIncomplete
	}
	first := len(d.args)
	rest, err := d.arguments()
	if err != nil {
		d.args = d.args[:first]
		return nil, err
	}
	d.need = 0
	d.ahead += int64(len(d.data) - len(rest))
	d.data = rest
	if len(d.args) == first {
		return nil, nil
	}
	return d.args[first:len(d.args):len(d.args)], nil
}

// arguments reads those of one command, and returns what follows it.
func (d *decoder) arguments() (rest []byte, err error) {
	if len(d.data) > 0 && d.data[0] == '\n' {
		return d.data[1:], nil
	}
	n, rest, err := head(d.data, '*')
	if err != nil {
		return nil, err
	}
	for range n {
		var size int64
		if size, rest, err = head(rest, '$'); err != nil {
			return nil, err
		}
		if int64(len(rest)) < size+2 {
			d.need = len(d.data) - len(rest) + int(size) + 2
			return nil, errIncomplete
		}
		d.args = append(d.args, rest[:size:size])
		rest = rest[size+2:]
	}
	return rest, nil
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
		n += len(arg) + len("$123\r\n\r\n")
	}
	return n
}
