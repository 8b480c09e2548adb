package redisync

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"strconv"
	"time"
)

// bufferSize is what one direction of a connection buffers, in bytes. Pairs of connections times four of these
// is nearly all the memory that a transfer takes.
const bufferSize = 256 << 10

// conn is one raw connection in RESP2 (https://redis.io/docs/latest/develop/reference/protocol-spec/). Commands
// are written with send and leave with flush; answers are read in the order of the commands. It serves what a
// general client cannot: passing values from one server to another without holding them, and, being a plain
// stream of commands and answers, whatever else redis speaks.
//
// After an error other than a replyError the conversation is out of step and the connection of no more use.
type conn struct {
	side *server
	net  net.Conn
	r    *bufio.Reader
	w    *bufio.Writer
	ctx  context.Context // the connection is cut when it ends
	stop func() bool
}

// dial connects, authenticates and selects the database. The connection lives until close or the end of ctx.
func (s *server) dial(ctx context.Context) (*conn, error) {
	plain, err := (&net.Dialer{Timeout: s.dialTimeout}).DialContext(ctx, "tcp", s.address)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	var stream net.Conn = patient{plain, s.timeout}
	if s.tls != nil {
		stream = tls.Client(stream, s.tls)
	}
	c := &conn{
		side: s, net: stream, ctx: ctx,
		r: bufio.NewReaderSize(stream, bufferSize), w: bufio.NewWriterSize(stream, bufferSize),
		stop: context.AfterFunc(ctx, func() { plain.Close() }),
	}
	if err := c.greet(); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *conn) greet() error {
	s := c.side
	switch {
	case s.Password != "" && s.Username != "":
		c.send("AUTH", s.Username, s.Password)
	case s.Password != "":
		c.send("AUTH", s.Password)
	default:
		c.send("PING")
	}
	if err := c.ask(); err != nil {
		return err
	}
	c.send("SELECT", strconv.Itoa(s.DB))
	return c.ask()
}

func (c *conn) close() {
	c.stop()
	c.net.Close() // what matters has been answered; there is nothing to learn from a failed close
}

// send writes a command to the buffer. An error of writing comes out of flush.
func (c *conn) send(args ...string) {
	c.head('*', int64(len(args)))
	for _, arg := range args {
		c.arg(arg)
	}
}

// head writes the first line of an array ('*') or bulk string ('$').
func (c *conn) head(kind byte, n int64) {
	line := strconv.AppendInt(append(c.w.AvailableBuffer(), kind), n, 10)
	c.w.Write(append(line, '\r', '\n'))
}

// arg writes one argument of the command that head began.
func (c *conn) arg(arg string) {
	c.head('$', int64(len(arg)))
	c.w.WriteString(arg)
	c.w.WriteString("\r\n")
}

func (c *conn) flush() error { return c.fail(c.w.Flush()) }

// ask flushes and reads one answer, of which only an error matters.
func (c *conn) ask() error {
	if err := c.flush(); err != nil {
		return err
	}
	return c.skip()
}

func (c *conn) fail(err error) error { return c.side.fail(c.ctx, err) }

// patient bounds each single read and write, so that a copy may take as long as it likes while it moves.
type patient struct {
	net.Conn
	timeout time.Duration
}

func (p patient) Read(b []byte) (int, error) {
	if err := p.SetReadDeadline(time.Now().Add(p.timeout)); err != nil {
		return 0, err
	}
	return p.Conn.Read(b)
}

func (p patient) Write(b []byte) (int, error) {
	if err := p.SetWriteDeadline(time.Now().Add(p.timeout)); err != nil {
		return 0, err
	}
	return p.Conn.Write(b)
}
