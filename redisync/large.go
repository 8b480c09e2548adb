package redisync

import (
	"errors"
	"fmt"

	"verdigris/deploy"
)

// copyLarge copies one key by the way that suits its type. It also serves small keys that the target cannot take
// as payloads.
func (p *pair) copyLarge(key string, size int64) error {
	p.from.send("TYPE", key)
	if err := p.from.flush(); err != nil {
		return err
	}
	kind, err := p.from.status()
	switch {
	case err != nil:
		return err
	case kind == "none":
		return p.remove(key)
	case kind == "string":
		return p.copyString(key)
	case lengthOf[kind] != "":
		err := p.copyCollection(key, kind, size)
		if errors.Is(err, errOnlyWhole) {
			return p.copyWhole(key, kind)
		}
		return err
	}
	return p.copyWhole(key, kind)
}

// copyWhole copies a value of any type and size as one DUMP payload. A stream with its groups, or a module's
// type, cannot travel otherwise.
func (p *pair) copyWhole(key, kind string) error {
	refused, err := p.copySmall([]string{key})
	if err != nil || len(refused) == 0 {
		return err
	}
	why := fmt.Errorf("%s does not take a %s from %s, and it cannot be copied piece by piece",
		p.to.side.info.version(), kind, p.from.side.info.version())
	return &deploy.HintedError{Err: p.to.fail(why), Next: fmt.Sprintf("run the same version of redis on %s as on %s", p.to.side.slice, p.from.side.slice)}
}

// copyString passes a string's bytes from GET to SET, and its expiry with it.
func (p *pair) copyString(key string) error {
	p.from.send("MULTI")
	p.from.sendOffset()
	p.from.sendExpiry(key)
	p.from.send("GET", key)
	p.from.send("EXEC")
	if err := p.from.flush(); err != nil {
		return err
	}
	if err := p.from.transaction(p.from.expiryCommands() + 2); err != nil {
		return err
	}
	offset, err := p.from.offset()
	if err != nil {
		return err
	}
	at, err := p.from.expiry()
	if err != nil {
		return err
	}
	size, err := p.from.expect('$')
	switch {
	case refusedAs(err, "WRONGTYPE"): // it has become another type just now
		return p.copyWhole(key, "key")
	case err != nil:
		return err
	case size < 0:
		err = p.remove(key)
	default:
		err = p.passString(key, size, at)
	}
	if err == nil {
		p.noteRead(key, offset)
	}
	return err
}

// passString sets the key on the target to the string whose first line was read from the source.
func (p *pair) passString(key string, size int64, at expiry) error {
	p.to.send("MULTI")
	p.to.head('*', 3)
	p.to.arg("SET")
	p.to.arg(key)
	if err := p.from.forwardBody(p.to, size); err != nil {
		return err
	}
	commands := 1
	if at >= 0 {
		p.to.send("PEXPIREAT", key, at.String())
		commands++
	}
	p.to.send("EXEC")
	if err := p.to.execute(commands); err != nil {
		return err
	}
	p.copied.Add(1)
	p.bytes.Add(size)
	return nil
}

// execute flushes a transaction of n commands and reads it to the end.
func (c *conn) execute(n int) error {
	if err := c.flush(); err != nil {
		return err
	}
	if err := c.transaction(n); err != nil {
		return err
	}
	var first error
	for range n {
		err := c.skip()
		if err != nil && !isReply(err) {
			return err
		}
		if first == nil {
			first = err
		}
	}
	return first
}
