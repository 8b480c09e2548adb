package redisync

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"verdigris/internal/testkit"
)

// gateway passes connections on to a server. Once so many bytes have gone there, it calls a function and lets nothing more
// pass before that returns.
type gateway struct {
	address, server string
	limit           int64
	atLimit         func()
	passed          atomic.Int64
}

func newGateway(t testing.TB, server string, limit int64, atLimit func()) *gateway {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	t.Cleanup(func() { l.Close() })
	g := &gateway{address: l.Addr().String(), server: server, limit: limit, atLimit: sync.OnceFunc(atLimit)}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go g.join(client)
		}
	}()
	return g
}

// join passes on what both ends of a connection send, and that the client has ended, as a network does.
func (g *gateway) join(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", g.server)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		defer server.(*net.TCPConn).CloseWrite()
		io.Copy(server, io.TeeReader(client, g))
	}()
	io.Copy(client, server)
}

// Write counts what passes.
func (g *gateway) Write(p []byte) (int, error) {
	if g.passed.Add(int64(len(p))) > g.limit {
		g.atLimit()
	}
	return len(p), nil
}

// reached reports whether the limit was reached.
func (g *gateway) reached() bool { return g.passed.Load() > g.limit }
