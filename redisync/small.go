package redisync

import "fmt"

// pieceThreshold is the size in bytes above which a value travels in pieces: DUMP and RESTORE of it would block
// the servers for more than about a millisecond.
const pieceThreshold = 64 << 10

// copyKeys brings keys from the source to the target, whatever they are, and removes those that the source does
// not have.
func (p *pair) copyKeys(keys []string) error {
	found, err := p.from.weighed(keys)
	if err != nil {
		return err
	}
	return p.copyBatch(found)
}

// copyBatch does the same for keys whose sizes are known.
func (p *pair) copyBatch(found batch) error {
	small, large := p.sorted(found)
	refused, err := p.copySmall(small)
	if err != nil {
		return err
	}
	large.keys = append(large.keys, refused...)
	large.sizes = append(large.sizes, make([]int64, len(refused))...)
	for i, key := range large.keys {
		if err := p.copyLarge(key, large.sizes[i]); err != nil {
			return fmt.Errorf("key %s: %w", shown(key), err)
		}
	}
	return nil
}

// sorted tells the keys that travel whole, many at a time, from those that travel one by one.
func (p *pair) sorted(found batch) (small []string, large batch) {
	small = make([]string, 0, len(found.keys))
	for i, key := range found.keys {
		if size := found.sizes[i]; size > pieceThreshold || size >= 0 && !p.payloads.Load() {
			large.keys, large.sizes = append(large.keys, key), append(large.sizes, size)
		} else {
			small = append(small, key)
		}
	}
	return small, large
}

// copySmall copies whole values as DUMP payloads, all at once. It returns the keys whose payloads the target is
// too old to take.
func (p *pair) copySmall(keys []string) (refused []string, err error) {
	if len(keys) == 0 {
		return nil, nil
	}
	for _, key := range keys {
		p.from.sendExpiry(key)
		p.from.send("DUMP", key)
	}
	if err := p.from.flush(); err != nil {
		return nil, err
	}
	return p.passPayloads(keys)
}

// passPayloads turns the source's answers about keys into commands for the target, and reads what came of them.
func (p *pair) passPayloads(keys []string) (refused []string, err error) {
	exists := make([]bool, len(keys))
	for i, key := range keys {
		if exists[i], err = p.passPayload(key); err != nil {
			return nil, err
		}
	}
	if err := p.to.flush(); err != nil {
		return nil, err
	}
	var first error
	for i, key := range keys { // all answers, so that the next command finds its own
		switch err := p.stored(exists[i]); {
		case refusedAs(err, "ERR DUMP payload"):
			p.payloads.Store(false)
			refused = append(refused, key)
		case err != nil && !isReply(err):
			return nil, err
		case err != nil && first == nil:
			first = fmt.Errorf("key %s: %w", shown(key), err)
		}
	}
	return refused, first
}

// passPayload turns the source's answers about a key into a command for the target. The payload goes through
// without being held, whatever its size.
func (p *pair) passPayload(key string) (exists bool, err error) {
	at, err := p.from.expiry()
	if err != nil {
		return false, err
	}
	size, err := p.from.expect('$')
	if err != nil {
		return false, err
	}
	if size < 0 {
		p.to.send("UNLINK", key)
		return false, nil
	}
	p.to.head('*', 6)
	p.to.arg("RESTORE")
	p.to.arg(key)
	p.to.arg(at.restored())
	if err := p.from.forwardBody(p.to, size); err != nil {
		return false, err
	}
	p.to.arg("REPLACE")
	p.to.arg("ABSTTL")
	p.bytes.Add(size)
	return true, nil
}

// stored reads the target's answer to the command of passPayload.
func (p *pair) stored(exists bool) error {
	if !exists {
		gone, err := p.to.integer()
		p.removed.Add(gone)
		return err
	}
	_, err := p.to.status()
	if err == nil {
		p.copied.Add(1)
	}
	return err
}

// remove removes one key on the target.
func (p *pair) remove(key string) error {
	p.to.send("UNLINK", key)
	if err := p.to.flush(); err != nil {
		return err
	}
	return p.stored(false)
}
