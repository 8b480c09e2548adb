package compose

import (
	"os"
	"sync"
	"syscall"
	"time"
)

// routeLock is held while route networks and who is in them are being changed. It keeps other processes out too, verdigris up
// beside verdigris serve: engines before 25 let both make a network of the same name, which nothing can be joined to by name.
type routeLock struct {
	dir  string // of verdigris.yml
	mu   sync.Mutex
	file *os.File
}

// lockPatience is how long a process that holds the lock and stands still is waited for. Others call the engine a few times.
const lockPatience = 30 * time.Second

// Lock implements sync.Locker. A directory that cannot be locked is no reason to leave the slices without their networks.
func (l *routeLock) Lock() {
	l.mu.Lock()
	file, err := os.Open(l.dir)
	if err != nil {
		return
	}
	locked := make(chan struct{})
	go func() {
		for syscall.Flock(int(file.Fd()), syscall.LOCK_EX) == syscall.EINTR {
		}
		close(locked)
	}()
	select {
	case <-locked:
		l.file = file
	case <-time.After(lockPatience):
		go func() {
			<-locked
			file.Close()
		}()
	}
}

// Unlock implements sync.Locker.
func (l *routeLock) Unlock() {
	if l.file != nil {
		l.file.Close()
		l.file = nil
	}
	l.mu.Unlock()
}
