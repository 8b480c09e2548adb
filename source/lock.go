package source

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// waitForLock makes this the only process that works on the app's mirror and checkouts. git inherits the open file, so that
// the lock outlives verdigris while a git process that it started is still writing.
func (r *Repository) waitForLock(ctx context.Context) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(r.dir, "source.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock of the mirror: %w", err)
	}
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return file, nil
		}
		if err != syscall.EWOULDBLOCK && err != syscall.EINTR {
			file.Close()
			return nil, fmt.Errorf("lock the mirror: %w", err)
		}
		select {
		case <-ctx.Done():
			file.Close()
			return nil, fmt.Errorf("wait for another fetch of the same app: %w", context.Cause(ctx))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// sweep removes what a process that was killed left behind: half-made checkouts, and git's own locks and
// half-received packs. Only the holder of the lock may call it; then nobody else can own any of these.
func (r *Repository) sweep() {
	removeMatching(r.releases(), func(name string) bool { return strings.HasPrefix(name, temporaryPrefix) })
	isLock := func(name string) bool { return strings.HasSuffix(name, ".lock") }
	removeMatching(r.mirror(), isLock)
	removeMatching(filepath.Join(r.mirror(), "refs", "deploy"), isLock)
	removeMatching(filepath.Join(r.mirror(), "objects", "pack"), func(name string) bool {
		return strings.HasPrefix(name, "tmp_") || strings.HasPrefix(name, ".tmp-")
	})
}

// removeMatching ignores errors: what stays is tried again next time, and harms nobody.
func removeMatching(dir string, match func(name string) bool) {
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		if match(entry.Name()) {
			os.RemoveAll(filepath.Join(dir, entry.Name()))
		}
	}
}
