package redisync

import (
	"fmt"

	"verdigris/deploy"
)

// lengthOf names the command that counts the elements of a collection, by its redis type.
var lengthOf = map[string]string{"list": "LLEN", "hash": "HLEN", "set": "SCARD", "zset": "ZCARD"}

// copyCollection copies a list, hash, set or sorted set in pieces: from a snapshot into a temporary key, which
// takes the place of the real one when it is complete.
func (p *pair) copyCollection(key, kind string, size int64) error {
	snap, err := p.snapshots.take(p.from, key, kind, size)
	switch {
	case err != nil:
	case snap.length == 0:
		err = p.remove(key)
	default:
		err = p.rebuild(key, snap, size)
	}
	if err == nil {
		p.noteRead(key, snap.offset)
	}
	if snap.own {
		err = p.clear(p.from, snap.key, err)
	}
	return err
}

func (p *pair) rebuild(key string, snap snapshot, size int64) error {
	tmp := &assembly{to: p.to, key: temporaryPrefix + key}
	err := p.assemble(snap, tmp, size)
	if err == nil {
		err = tmp.takePlace(key, snap)
	}
	if err != nil {
		return p.clear(p.to, tmp.key, err)
	}
	p.copied.Add(1)
	return nil
}

// assemble builds the snapshot's value in the temporary key, and makes sure that all of it is there.
func (p *pair) assemble(snap snapshot, tmp *assembly, size int64) error {
	if err := tmp.begin(); err != nil {
		return err
	}
	width := pieceWidth(size, snap.length)
	var err error
	switch snap.kind {
	case "list":
		err = p.copyList(snap, tmp, width)
	case "hash":
		err = p.copyScanned(snap, tmp, "HSCAN", "HSET", width)
	case "set":
		err = p.copyScanned(snap, tmp, "SSCAN", "SADD", width)
	case "zset":
		err = p.copySorted(snap, tmp, width)
	}
	if err == nil {
		err = tmp.answered(0)
	}
	if err == nil && snap.kind == "hash" {
		err = p.copyFieldExpiries(snap, tmp)
	}
	if err != nil {
		return err
	}
	return p.complete(snap, tmp)
}

// complete counts the elements on both sides once more.
func (p *pair) complete(snap snapshot, tmp *assembly) error {
	there, err := p.from.count(snap.kind, snap.key)
	if err != nil {
		return err
	}
	here, err := p.to.count(snap.kind, tmp.key)
	switch {
	case err != nil:
		return err
	case there != here && snap.kind == "hash" && p.from.side.can.fieldExpiry:
		return errOnlyWhole // fields expired meanwhile
	case there != snap.length:
		return p.from.fail(fmt.Errorf("%w: it had %d elements and then %d while it was read", deploy.ErrDataDiffers, snap.length, there))
	case here != snap.length:
		return tmp.lost(here, snap.length)
	}
	return nil
}

func (c *conn) count(kind, key string) (int64, error) {
	c.send(lengthOf[kind], key)
	if err := c.flush(); err != nil {
		return 0, err
	}
	return c.integer()
}

const (
	pieceBytes    = 128 << 10 // about what one piece holds
	pieceElements = 1000      // what it holds at most
)

// pieceWidth is how many elements make a piece, by the size and length of the whole value.
func pieceWidth(size, length int64) int64 {
	each := max(1, size/max(1, length))
	return min(max(1, pieceBytes/each), pieceElements)
}
