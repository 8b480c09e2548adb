package redisync

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// bufferSize is what one direction of a connection buffers, in bytes. Pairs of connections times four of these
// is nearly all the memory that a transfer takes.
const bufferSize = 256 << 10

// conn is one raw connection in RESP2, or in RESP3 after track
// (https://redis.io/docs/latest/develop/reference/protocol-spec/). Commands
// are written with send and leave with flush; answers are read in the order of the commands. It serves what a
// general client cannot: passing values from one server to another without holding them, and, being a plain
// stream of commands and answers, whatever else redis speaks.
//
// After an error other than a replyError the conversation is out of step and the connection of no more use.
type conn struct {
	side *server
	ctx  context.Context // no more is read or written when it ends
	r    *bufio.Reader
	w    *bufio.Writer
	tcp  net.Conn
	tls  *tls.Conn // nil for a plain connection
	stop func() bool
	cut  chan struct{} // closed when the end of ctx has cut the connection
	told *told         // what the server has told unasked, once track was called
}

// dial connects, authenticates and selects the database. The connection serves until close or the end of ctx.
func (s *server) dial(ctx context.Context) (*conn, error) {
	tcp, err := (&net.Dialer{Timeout: s.dialTimeout}).DialContext(ctx, "tcp", s.address)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	c := &conn{
		side: s, ctx: ctx, tcp: tcp, cut: make(chan struct{}),
	}
	c.stop = context.AfterFunc(ctx, func() {
		tcp.SetDeadline(time.Unix(1, 0))
		close(c.cut)
	})
	var stream net.Conn = patient{tcp, ctx, s.timeout}
	if s.tls != nil {
		c.tls = tls.Client(stream, s.tls)
		stream = c.tls
	}
	c.r, c.w = bufio.NewReaderSize(stream, bufferSize), bufio.NewWriterSize(stream, bufferSize)
	if err = c.shakeHands(); err == nil {
		err = c.greet()
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// errHandshake means that the two sides did not come to terms about TLS.
var errHandshake = errors.New("TLS handshake")

func (c *conn) shakeHands() error {
	if c.tls == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.side.dialTimeout)
	defer cancel()
	if err := c.tls.HandshakeContext(ctx); err != nil {
		return c.fail(fmt.Errorf("%w: %w", errHandshake, err))
	}
	return nil
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
	if err := c.ask(); err != nil || s.run.Load() == nil {
		return err
	}
	c.send("INFO", "server")
	if err := c.flush(); err != nil {
		return err
	}
	info, _, err := c.bulk()
	if err != nil {
		return err
	}
	return c.fail(s.proveRun(string(info)))
}

// close ends the conversation; all that matters has been answered.
func (c *conn) close() {
	c.stop()
	c.tcp.Close()
}

// retire takes the place of close where commands may be on their way still: it lets the server finish them, so that
// none comes into effect later.
func (c *conn) retire() {
	if !c.stop() {
		<-c.cut
	}
	c.tcp.SetDeadline(time.Now().Add(cleanupTimeout))
	if c.tls != nil {
		c.tls.CloseWrite()
	}
	if half, ok := c.tcp.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		io.Copy(io.Discard, c.tcp) // the server closes its end when it has read all
	}
	c.tcp.Close()
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

// patient bounds each single read and write, so that a copy may take as long as it likes while it moves. When ctx
// ends, whoever ends it sets a deadline of the past; one that was set here just before is found by looking again.
type patient struct {
	net.Conn
	ctx     context.Context
	timeout time.Duration
}

func (p patient) Read(b []byte) (int, error) {
	if err := cmp.Or(p.SetReadDeadline(time.Now().Add(p.timeout)), p.ctx.Err()); err != nil {
		return 0, err
	}
	return p.Conn.Read(b)
}

func (p patient) Write(b []byte) (int, error) {
	if err := cmp.Or(p.SetWriteDeadline(time.Now().Add(p.timeout)), p.ctx.Err()); err != nil {
		return 0, err
	}
	return p.Conn.Write(b)
}
