package redisync

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"verdigris/deploy"
)

// lateWrites is what is known of writes on the slice that is not live, while no mirror takes them back. It has a lock of
// its own: a lookout notes while others wait for the lookout.
type lateWrites struct {
	mu      sync.Mutex
	strays  *deploy.Strays
	watched bool      // the slice has been seen, so that it is worth telling when it is not any more
	since   time.Time // from when on it is not seen; zero while it is
	unseen  string    // when and why it was not seen, the last time
}

// reset forgets all, for another slice; watched tells whether that one is known to be there.
func (l *lateWrites) reset(watched bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.strays, l.watched, l.since, l.unseen = nil, watched, time.Time{}, ""
}

// note notes what was written.
func (l *lateWrites) note(slice deploy.Slice, keys []string, log *slog.Logger) {
	if len(keys) == 0 {
		return
	}
	log.Warn("selected keys were written on a slice that is not live; those writes count no more", "slice", slice, "keys", firstFew(keys))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.strays = noteStrays(l.strays, slice, keys)
}

// lost notes from when on and why a slice cannot be seen. One that does not answer may not exist yet; one that refuses does.
func (l *lateWrites) lost(slice deploy.Slice, since time.Time, err error, log *slog.Logger) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.watched && !isReply(err) && !errors.Is(err, errHandshake) && !errors.Is(err, errSameServer) {
		return
	}
	if l.since.IsZero() {
		l.since = since
		log.Warn("late writes are not seen", "slice", slice, "since", since.UTC(), "error", err)
	}
	l.unseen = fmt.Sprintf("since %s late writes to %s are not seen: %v", clock(l.since), slice, err)
	if h := (*deploy.HintedError)(nil); errors.As(hinted(err), &h) {
		l.unseen += "; " + h.Next
	}
}

// found notes that a slice is seen, again or for the first time.
func (l *lateWrites) found(slice deploy.Slice, log *slog.Logger) {
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

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" }

// tell adds it to a status.
func (l *lateWrites) tell(s *deploy.MirrorStatus) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.Strays, s.Unseen = l.strays, l.unseen
}
