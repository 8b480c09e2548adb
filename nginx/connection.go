package nginx

import (
	"context"
	"strings"
)

// Clients is where clients of the router's sockets run: the edge's container.
type Clients interface {
	// Connections lists the connections that they have made to unix sockets.
	Connections(ctx context.Context) ([]Connection, error)
}

// Connection is one that has come in by a unix socket.
type Connection struct {
	// ID tells it from all others. It is empty while nobody has accepted the connection.
	ID string
	// Socket is the path to which the socket was bound.
	Socket string
}

// unixSockets is where the kernel lists the unix sockets of a network namespace (proc_pid_net(5)): both ends of a
// connection in that of the end that has connected. It hands the list over page by page, and a socket that ends in between
// may hide another one. So it is read twice.
const unixSockets = "/proc/net/unix"

// The states of the end that took, or has yet to take, a connection (enum socket_state in linux/net.h).
const (
	connecting = "02"
	connected  = "03"
)

// connections finds the connections in such lists: "Num RefCount Protocol Flags Type St Inode Path". The end that has
// connected has no path, so that each is found once.
func connections(lists string) (found []Connection) {
	seen := map[Connection]bool{}
	for line := range strings.Lines(lists) {
		words := strings.Fields(line)
		if len(words) != 8 || words[5] != connecting && words[5] != connected {
			continue
		}
		c := Connection{Socket: words[7]}
		if words[5] == connected {
			c.ID = words[6]
		}
		if !seen[c] {
			seen[c] = true
			found = append(found, c)
		}
	}
	return found
}
