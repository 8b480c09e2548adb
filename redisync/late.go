package redisync

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"verdigris/deploy"
)

// late is what is known of writes on the slice that is not live, while no mirror takes them back. It has a lock of its
// own: who looks out writes while others wait for the lookout.
type late struct {
	mu      sync.Mutex
	strays  *deploy.Strays
	watched bool      // the slice has been seen, so that it is worth telling when it is not any more
	since   time.Time // when it was lost sight of; zero while it is seen
	unseen  string    // when and why it was not seen, the last time
}

// reset forgets all, for another slice; watched tells whether that one is seen already.
func (l *late) reset(watched bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.strays, l.watched, l.since, l.unseen = nil, watched, time.Time{}, ""
}

// note notes what was written.
func (l *late) note(slice deploy.Slice, keys []string, log *slog.Logger) {
	if len(keys) == 0 {
		return
	}
	log.Warn("selected keys were written on a slice that is not live; those writes count no more", "slice", slice, "keys", firstFew(keys))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.strays = noteStrays(l.strays, slice, keys)
}

// lost notes that a slice cannot be seen, and why.
func (l *late) lost(slice deploy.Slice, err error, log *slog.Logger) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.watched {
		return // it may not exist yet
	}
	if l.since.IsZero() {
		l.since = time.Now()
		log.Warn("late writes are not seen", "slice", slice, "error", err)
	}
	l.unseen = fmt.Sprintf("since %s late writes to %s are not seen: %v", clock(l.since), slice, err)
}

// found notes that a slice is seen, again or for the first time.
func (l *late) found(slice deploy.Slice, log *slog.Logger) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watched = true
	if l.since.IsZero() {
		return
	}
	l.unseen = fmt.Sprintf("late writes to %s were not seen from %s to %s", slice, clock(l.since), clock(time.Now()))
	log.Warn(l.unseen)
	l.since = time.Time{}
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05") + " UTC" }

// tell adds it to a status.
func (l *late) tell(s *deploy.MirrorStatus) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.Strays, s.Unseen = l.strays, l.unseen
}
