package redisync

import (
	"net"
	"syscall"
	"time"
)

const (
	gatherFor  = time.Millisecond // how long a busy stream is let gather
	gatherRate = 2 << 20          // bytes a second from which a stream counts as busy: some 15,000 small writes
	gatherMost = 256 << 10        // bytes for which the kernel wakes a reader that gathers
)

// gathering makes fewer and larger reads of a stream that is busy. On both servers and here most of the cost of a
// write that is mirrored alone is the cost of sending, waking and receiving; while thousands come, each of them can
// wait a millisecond for the next.
type gathering struct {
	tcp   net.Conn
	since time.Time
	bytes int
}

// pause counts what has been read, and waits if the stream is busy and nothing more of it has arrived.
func (g *gathering) pause(n int) {
	g.bytes += n
	took := time.Since(g.since)
	if took < gatherFor || g.arrived() > 0 {
		return
	}
	busy := float64(g.bytes) >= gatherRate*took.Seconds()
	g.since, g.bytes = time.Now(), 0
	if !busy {
		return
	}
	// The kernel would wake us for each write, at the expense of the server that sends it.
	g.wakeAt(gatherMost)
	time.Sleep(gatherFor)
	g.wakeAt(1)
}

// wakeAt says from how many bytes on the arrival of data wakes a reader (SO_RCVLOWAT, socket(7)). Without it, waiting
// works as well and saves less.
func (g *gathering) wakeAt(bytes int) {
	g.control(func(fd int) { _ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVLOWAT, bytes) })
}

// control does something with the socket, where the connection is one.
func (g *gathering) control(do func(fd int)) {
	c, ok := g.tcp.(syscall.Conn)
	if !ok {
		return
	}
	if raw, err := c.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { do(int(fd)) })
	}
}
