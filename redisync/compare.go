package redisync

import "fmt"

// payloadFooter is the version and checksum at the end of a DUMP payload, in bytes. They follow from the server
// and from the bytes before, and say nothing about the value.
const payloadFooter = 10

// mendKeys compares keys and copies those that differ.
func (p *pair) mendKeys(found batch) error {
	different, err := p.compare(found, false)
	if err != nil || len(different) == 0 {
		return err
	}
	return p.copyKeys(different)
}

// verifyKeys compares keys and notes those that differ. A key that is about to expire may be gone on one side.
func (p *pair) verifyKeys(found batch) error {
	different, err := p.compare(found, true)
	p.differs(different...)
	return err
}

// compare returns those of the keys that are not equal on both sides: in existence, type, expiry or content.
func (p *pair) compare(found batch, letPass bool) (different []string, err error) {
	var small []string
	for i, key := range found.keys {
		if found.sizes[i] <= pieceThreshold {
			small = append(small, key)
			continue
		}
		same, err := p.sameLarge(key, found.sizes[i], letPass)
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", shown(key), err)
		}
		if !same {
			different = append(different, key)
		}
	}
	more, err := p.compareSmall(small, letPass)
	p.compared.Add(int64(len(found.keys)))
	return append(different, more...), err
}

// compareSmall compares keys by their payloads: the same bytes are the same value. Other bytes may be the same
// value too, since redis does not order hashes and sets; those values are looked into.
func (p *pair) compareSmall(keys []string, letPass bool) (different []string, err error) {
	err = p.askBoth(keys, func(c *conn, key string) {
		c.sendExpiry(key)
		c.send("DUMP", key)
	})
	if err != nil {
		return nil, err
	}
	var unsure []string
	for _, key := range keys {
		a, b, err := p.bothExpiries()
		if err != nil {
			return nil, err
		}
		same, err := sameBulk(p.from, p.to, payloadFooter)
		switch {
		case err != nil:
			return nil, err
		case letPass && a.passing() && b.passing():
		case !p.sameExpiry(a, b):
			different = append(different, key)
		case !same:
			unsure = append(unsure, key)
		}
	}
	more, err := p.compareValues(unsure)
	return append(different, more...), err
}

// bothExpiries reads the answers of both sides to sendExpiry.
func (p *pair) bothExpiries() (a, b expiry, err error) {
	if a, err = p.from.expiry(); err != nil {
		return 0, 0, err
	}
	b, err = p.to.expiry()
	return a, b, err
}

// askBoth asks both sides about each of the keys.
func (p *pair) askBoth(keys []string, ask func(c *conn, key string)) error {
	for _, c := range []*conn{p.from, p.to} {
		for _, key := range keys {
			ask(c, key)
		}
		if err := c.flush(); err != nil {
			return err
		}
	}
	return nil
}
