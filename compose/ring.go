package compose

// ring keeps the last lines that were added.
type ring struct {
	size  int
	lines []string
}

func newRing(size int) *ring { return &ring{size: size} }

func (r *ring) add(line string) {
	r.lines = append(r.lines, line)
	if len(r.lines) > r.size {
		r.lines = r.lines[len(r.lines)-r.size:]
	}
}
