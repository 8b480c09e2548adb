package nginx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// A unix socket's address holds 107 bytes (unix(7)), less than the path of many project directories.
const maxSocketPath = 107

// socketPath returns a path that leads to the same file and fits, and what to call when it is no longer needed.
func socketPath(path string) (short string, done func(), err error) {
	if len(path) <= maxSocketPath {
		return path, func() {}, nil
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return "", nil, err
	}
	short = fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(path))
	return short, func() { dir.Close() }, nil
}

func dialSocket(ctx context.Context, path string) (net.Conn, error) {
	short, done, err := socketPath(path)
	if err != nil {
		return nil, err
	}
	defer done()
	return (&net.Dialer{}).DialContext(ctx, "unix", short)
}

// listenSocket binds the socket for everybody, because nginx's workers run as another user. A socket that
// nobody answers on is a leftover and is removed; one that is answered on belongs to somebody else.
func listenSocket(ctx context.Context, path string) (net.Listener, error) {
	if answered(ctx, path) {
		return nil, fmt.Errorf("listen on %s: another verdigris is in the middle of a cutover", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("listen on %s: remove the leftover socket: %w", path, err)
	}
	short, done, err := socketPath(path)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	defer done()
	listener, err := net.Listen("unix", short)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false) // the short path does not outlive this function
	if err := os.Chmod(path, 0o666); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, errors.Join(err, listener.Close()))
	}
	return listener, nil
}

// answered tells whether somebody listens on the socket. A full backlog is a listener too.
func answered(ctx context.Context, path string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := dialSocket(ctx, path)
	if err == nil {
		conn.Close()
		return true
	}
	return errors.Is(err, syscall.EAGAIN) || errors.Is(err, context.DeadlineExceeded)
}
