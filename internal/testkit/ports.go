package testkit

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// Ports are taken from below the range from which the kernel gives out ports by itself, so that no connection has one
// by chance.
const firstPort, lastPort = 10_000, 31_000

// FreePort returns a port of loopback that nobody listens on. No other test, in this process or in another one, gets it
// until the test has ended.
func FreePort(t testing.TB) int { return FreePorts(t, 1) }

// FreePorts returns the first of n consecutive ports as FreePort returns one.
func FreePorts(t testing.TB, n int) int {
	t.Helper()
	for range 500 {
		first := firstPort + rand.IntN(lastPort-firstPort-n)
		if reserve(t, first, n) {
			return first
		}
	}
	t.Fatalf("no %d free ports in a row", n)
	return 0
}

// FreeAddress returns loopback's address with a free port.
func FreeAddress(t testing.TB) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(FreePort(t)))
}

// reserve takes the ports for the test if all are free.
func reserve(t testing.TB, first, n int) bool {
	t.Helper()
	var taken []net.Listener
	for port := first; port < first+n; port++ {
		mark, err := claim(port)
		if err != nil {
			for _, l := range taken {
				l.Close()
			}
			return false
		}
		taken = append(taken, mark)
	}
	t.Cleanup(func() {
		for _, l := range taken {
			l.Close()
		}
	})
	return true
}

// claim marks a free port as taken with an abstract unix socket, which the kernel removes with the process (unix(7)).
func claim(port int) (net.Listener, error) {
	mark, err := net.Listen("unix", fmt.Sprintf("@verdigris-test-port-%d", port))
	if err != nil {
		return nil, err
	}
	for _, host := range []string{"127.0.0.1", "0.0.0.0"} {
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err != nil {
			mark.Close()
			return nil, err
		}
		l.Close()
	}
	return mark, nil
}
