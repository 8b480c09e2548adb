package compose

import "sync"

// ring keeps the last lines that were added.
type ring struct {
	mu    sync.Mutex
	size  int
	lines []string
}

func newRing(size int) *ring { return &ring{size: size} }

func (r *ring) add(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, line)
	if len(r.lines) > r.size {
		r.lines = r.lines[len(r.lines)-r.size:]
	}
}
