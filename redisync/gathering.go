package redisync

import "time"

const (
	gatherFor   = time.Millisecond // how long a busy stream is let gather
	gatherBytes = 2 << 10          // what arrives at once where a stream counts as busy
)

// gathering makes fewer and larger reads of a stream that is busy. On both servers and here most of the cost of a
// write that is mirrored alone is the cost of sending, waking and receiving; while thousands come, each of them can
// wait a millisecond for the next.
type gathering struct{ busy bool }

// pause waits if so many bytes came at once, or had to come last time.
func (g *gathering) pause(n int) {
	if g.busy = n >= gatherBytes; g.busy {
		time.Sleep(gatherFor)
	}
}
