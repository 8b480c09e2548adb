package redisync

import (
	"errors"
	"log/slog"
	"sync"

	"verdigris/deploy"
)

// fencing is what is known of which slice is fenced, for the status to say. It has a lock of its own: a mirror finds a
// fence gone while others wait for the mirror.
type fencing struct {
	mu     sync.Mutex
	fenced deploy.Slice
	why    string       // no slice is, though it was to be
	want   deploy.Slice // that is to be fenced whenever it is found not to be; empty for none
}

// left notes whether the slice that the traffic has left is fenced. That a server cannot be is no error: it will be so
// at each cutover, and late writes are found all the same.
func (f *fencing) left(slice deploy.Slice, d departure, log *slog.Logger) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fenced, f.why, f.want = "", "", ""
	if d.fenced {
		f.fenced, f.want = slice, slice
	}
	if errors.Is(d.unfenced, errNoFence) {
		f.why = d.unfenced.Error()
		log.Warn("the slice that the traffic has left can go on writing", "slice", slice, "why", d.unfenced)
		return nil
	}
	return d.unfenced
}

// opened notes that a slice is fenced no more.
func (f *fencing) opened(slice deploy.Slice) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fenced == slice {
		f.fenced = ""
	}
	if f.want == slice {
		f.want = ""
	}
}

// ask notes that a slice is to be fenced.
func (f *fencing) ask(slice deploy.Slice) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.want = slice
}

// lost notes that a slice was found without its fence.
func (f *fencing) lost(slice deploy.Slice) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fenced == slice {
		f.fenced = ""
	}
}

// wants reports whether a slice is to be fenced and is not known to be.
func (f *fencing) wants(slice deploy.Slice) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.want == slice && f.fenced != slice
}

// refuse notes why a slice cannot be fenced, which is not tried again before somebody asks for it again.
func (f *fencing) refuse(slice deploy.Slice, why error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.want == slice {
		f.want, f.why = "", why.Error()
	}
}

// found notes how a slice was found, which may have been fenced before verdigris was started.
func (f *fencing) found(slice deploy.Slice, fenced bool) {
	if !fenced {
		f.lost(slice)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fenced, f.why = slice, ""
}

// tell adds it to a status.
func (f *fencing) tell(s *deploy.MirrorStatus) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s.Fenced, s.Unfenced = f.fenced, f.why
}
