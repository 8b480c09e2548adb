package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"verdigris/deploy"
)

// stateLock names the lock of a state folder, in it. Whatever the configuration is called and whichever path leads to the folder,
// there is one, and the kernel gives it up with the process that has it (flock(2)).
const stateLock = "serve.lock"

// lockState keeps a second daemon away from the state folder, whose mirrors would carry out each other's writes. It is taken before
// anything else is contacted or written, and given up by Close.
func lockState(dir string) (io.Closer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the state folder: %w", err)
	}
	path := filepath.Join(dir, stateLock)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the state folder: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		holder, _ := io.ReadAll(io.LimitReader(file, 32)) // for people alone
		file.Close()
		return nil, &deploy.ConflictError{
			Reason: fmt.Sprintf("verdigris serve runs already with the state folder %s, as process %s", dir, strings.TrimSpace(string(holder))),
			Next:   "stop it first, or set another state_dir: two daemons on one folder would undo each other's work",
		}
	}
	if err == nil {
		err = errors.Join(file.Truncate(0), func() error { _, err := fmt.Fprintln(file, os.Getpid()); return err }())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock the state folder: %w", err), file.Close())
	}
	return file, nil
}
