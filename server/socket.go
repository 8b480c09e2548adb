package server

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"verdigris/deploy"
)

// maxSocketPath is what fits into sockaddr_un (unix(7)) with its final zero.
const maxSocketPath = 107

// lockSuffix names the lock beside the socket.
const lockSuffix = ".lock"

// ListenLocal listens on a unix socket with mode 0660: who can open it may do everything. A socket that a dead process
// left behind is replaced; one that answers, and a file that is no socket, are refused. A lock beside the socket makes
// sure that of two that start at once only one goes on.
func ListenLocal(path string) (net.Listener, error) {
	if len(path) > maxSocketPath {
		return nil, &deploy.InputError{Reason: fmt.Sprintf("the path of the socket has %d bytes and can have %d: set server.socket in verdigris.yml to a shorter one", len(path), maxSocketPath)}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the socket's directory: %w", err)
	}
	lock, err := lockFile(path + lockSuffix)
	if err != nil {
		return nil, err
	}
	listener, err := listenUnix(path)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &lockedListener{listener, lock}, nil
}

func listenUnix(path string) (net.Listener, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen on the local socket: %w", err)
	}
	if err := os.Chmod(path, 0o660); err != nil {
		return nil, errors.Join(fmt.Errorf("set the socket's mode: %w", err), listener.Close())
	}
	return listener, nil
}

// removeStale removes a socket that nobody listens on any more.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look at the local socket: %w", err)
	case info.Mode().Type() != os.ModeSocket:
		return fmt.Errorf("listen on the local socket: %s is there and is not a socket", path)
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		return errors.Join(inUse(path), conn.Close())
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("look at the local socket: %w", err)
	}
	return os.Remove(path)
}

func inUse(path string) error {
	return &deploy.HintedError{Err: fmt.Errorf("another verdigris listens on %s", path), Next: "stop it first, or set another state_dir"}
}

// lockFile takes a lock that ends with the process, however it ends.
func lockFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the local socket: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = inUse(strings.TrimSuffix(path, lockSuffix))
		}
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// lockedListener gives the lock back when it closes.
type lockedListener struct {
	net.Listener
	lock *os.File
}

func (l *lockedListener) Close() error { return errors.Join(l.Listener.Close(), l.lock.Close()) }
