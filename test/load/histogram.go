package load

import (
	"math/bits"
	"slices"
	"time"
)

// Histogram counts times in buckets that are 3% wide at most, from a microsecond up. It takes a few kilobytes,
// however many times it counts.
type Histogram struct {
	counts  []uint64
	total   uint64
	longest time.Duration
}

// fineness is how many bits of a time, after the first, choose its bucket: 32 buckets from each power of two to the next.
const fineness = 5

// Add counts one time.
func (h *Histogram) Add(d time.Duration) {
	b := bucket(d)
	if b >= len(h.counts) {
		h.counts = append(h.counts, make([]uint64, b+1-len(h.counts))...)
	}
	h.counts[b]++
	h.total++
	h.longest = max(h.longest, d)
}

// Count returns how many times were counted.
func (h *Histogram) Count() int { return int(h.total) }

// Longest returns the longest time, exactly.
func (h *Histogram) Longest() time.Duration { return h.longest }

// Percentile returns a time that p of a hundred times are not above, up to the width of a bucket.
func (h *Histogram) Percentile(p float64) time.Duration {
	rank, seen := uint64(float64(h.total)*p/100), uint64(0)
	for b, n := range h.counts {
		if seen += n; seen > rank || seen == h.total {
			return min(upper(b), h.longest)
		}
	}
	return 0
}

func (h *Histogram) clone() Histogram {
	c := *h
	c.counts = slices.Clone(h.counts)
	return c
}

// bucket returns the number of the bucket that a time belongs to: its first bits, after how many bits it has.
func bucket(d time.Duration) int {
	us := uint64(max(d, 0).Microseconds())
	shift := max(0, bits.Len64(us)-fineness-1)
	return shift<<fineness + int(us>>shift)
}

// upper returns the longest time of a bucket.
func upper(b int) time.Duration {
	shift := max(0, b>>fineness-1)
	us := (uint64(b-shift<<fineness)+1)<<shift - 1
	return time.Duration(us)*time.Microsecond + 999*time.Nanosecond
}
