package nginx

import (
	"io"
	"net"
	"os"
	"sync/atomic"
	"testing"

	"verdigris/deploy"

	"verdigris/internal/testkit"
)

// veilAfter makes the router's admin socket fall silent once the hold has turned the route, until unveil is called:
// what a real nginx does only when it hangs in that very moment.
func (s *site) veilAfter(t *testing.T, h deploy.Hold) (unveil func()) {
	t.Helper()
	own := h.(*hold)
	waits, socket := s.settings.conf(sign{own.name, own.live.Slice}.file()), s.settings.run(adminSocket)
	testkit.Must(t, os.Rename(socket, socket+".real"))
	veil, err := net.Listen("unix", socket)
	testkit.Must(t, err)
	testkit.Must(t, os.Chmod(socket, 0o666))
	t.Cleanup(func() { veil.Close() })
	var lifted atomic.Bool
	go func() {
		for {
			asking, err := veil.Accept()
			if err != nil {
				return
			}
			if _, err := os.Stat(waits); err == nil || lifted.Load() {
				go pipe(asking, socket+".real")
				continue
			}
			asking.Close()
		}
	}()
	return func() { lifted.Store(true) }
}

// pipe joins a connection to a unix socket until one of the two ends.
func pipe(conn net.Conn, socket string) {
	defer conn.Close()
	real, err := net.Dial("unix", socket)
	if err != nil {
		return
	}
	defer real.Close()
	go func() { _, _ = io.Copy(real, conn) }() // ends when the answer has
	_, _ = io.Copy(conn, real)
}
