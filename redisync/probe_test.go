package redisync

import (
	"strconv"
	"sync"
	"time"
)

// probe is numbered writes to one key, and when each was acknowledged on the one side and seen on the other.
type probe struct {
	key string

	mu      sync.Mutex
	sent    int
	ackedAt []time.Time
	seenAt  []time.Time
}

func newProbe(key string) *probe { return &probe{key: key} }

// send returns the next number to write.
func (p *probe) send() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent++
	return strconv.Itoa(p.sent - 1)
}

// acknowledged tells that all numbers so far were written.
func (p *probe) acknowledged() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.ackedAt) < p.sent {
		p.ackedAt = append(p.ackedAt, time.Now())
	}
}

// seen tells that the number could be read, and therefore all numbers before it.
func (p *probe) seen(number string, at time.Time) {
	n, err := strconv.Atoi(number)
	if err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.seenAt) <= n {
		p.seenAt = append(p.seenAt, at)
	}
}

func (p *probe) arrived() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.seenAt) == p.sent
}

// lags is how long each number took from the one side to the other. One that was seen before its acknowledgement had
// arrived took no time.
func (p *probe) lags() []time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []time.Duration
	for i, at := range p.seenAt {
		all = append(all, max(0, at.Sub(p.ackedAt[i])))
	}
	return all
}
