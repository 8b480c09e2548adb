package server

import (
	"crypto/sha256"
	"sync"
	"time"
)

// Bounds on wrong tokens: how many an address may send in a row, how long one takes to be forgotten, and how many
// addresses and good tokens are remembered.
const (
	maxGuesses   = 10
	forgetAfter  = 6 * time.Second
	maxAddresses = 1024
	maxGood      = 64
)

// guesses slows down who tries tokens. Nobody guesses 32 random bytes; this keeps a flood of attempts away from the
// journal. A token that was good before is always looked at, so that a stranger behind the same proxy cannot lock
// its owner out.
type guesses struct {
	mu      sync.Mutex
	buckets map[string]*bucket
	good    map[[sha256.Size]byte]struct{}
	now     func() time.Time // time.Now when nil
}

// bucket counts the wrong tokens of one address; the count falls as time goes by.
type bucket struct {
	count float64
	at    time.Time
}

func (b *bucket) level(now time.Time) float64 {
	return max(0, b.count-float64(now.Sub(b.at))/float64(forgetAfter))
}

func (g *guesses) allowed(from string, token [sha256.Size]byte) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	b, known := g.buckets[from]
	if !known || b.level(g.time()) <= maxGuesses-1 { // there is room for one more
		return true
	}
	_, good := g.good[token]
	return good
}

func (g *guesses) wrong(from string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.time()
	if g.buckets == nil {
		g.buckets = map[string]*bucket{}
	}
	b, known := g.buckets[from]
	if !known {
		g.makeRoom(now)
		b = &bucket{}
		g.buckets[from] = b
	}
	b.count, b.at = b.level(now)+1, now
}

// makeRoom forgets who has been quiet or, when all are busy, anyone.
func (g *guesses) makeRoom(now time.Time) {
	if len(g.buckets) < maxAddresses {
		return
	}
	for from, b := range g.buckets {
		if b.level(now) == 0 {
			delete(g.buckets, from)
		}
	}
	for from := range g.buckets {
		if len(g.buckets) < maxAddresses {
			return
		}
		delete(g.buckets, from)
	}
}

func (g *guesses) right(token [sha256.Size]byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.good == nil || len(g.good) >= maxGood {
		g.good = map[[sha256.Size]byte]struct{}{}
	}
	g.good[token] = struct{}{}
}

func (g *guesses) time() time.Time {
	if g.now != nil {
		return g.now()
	}
	return time.Now()
}
