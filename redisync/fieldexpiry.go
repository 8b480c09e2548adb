package redisync

import (
	"fmt"
	"strconv"

	"verdigris/deploy"
)

// copyFieldExpiries gives the fields of a hash the expiries that they have one by one on redis 7.4, valkey 9 or
// newer. A target that knows no such thing cannot hold the hash.
func (p *pair) copyFieldExpiries(snap snapshot, tmp *assembly) error {
	return p.eachFieldExpiry(snap.key, func(fields []string, ends []int64) error {
		asked := 0
		for i, end := range ends {
			if end < 0 {
				continue
			}
			if !p.to.side.can.fieldExpiry {
				return p.refuseFieldExpiry()
			}
			p.to.send("HPEXPIREAT", tmp.key, strconv.FormatInt(end, 10), "FIELDS", "1", fields[i])
			asked++
		}
		if err := p.to.flush(); err != nil {
			return err
		}
		for range asked {
			if err := p.to.skip(); err != nil {
				return err
			}
		}
		return nil
	})
}

// sameFieldExpiries compares the expiries of the fields of a hash that is equal otherwise.
func (p *pair) sameFieldExpiries(key string) (same bool, err error) {
	same = true
	err = p.eachFieldExpiry(key, func(fields []string, ends []int64) error {
		there := make([]int64, len(fields))
		if p.to.side.can.fieldExpiry {
			var err error
			if there, err = p.to.side.client.HPExpireTime(p.to.ctx, key, fields...).Result(); err != nil {
				return p.to.fail(err)
			}
		}
		for i, end := range ends {
			same = same && (max(end, 0) == max(there[i], 0) || end >= 0 && expiry(end).passing())
		}
		return nil
	})
	return same, err
}

// eachFieldExpiry visits the fields of a hash of the source and their ends in Unix milliseconds, or -1. It visits
// none where the source knows no such thing.
func (p *pair) eachFieldExpiry(key string, visit func(fields []string, ends []int64) error) error {
	if !p.from.side.can.fieldExpiry {
		return nil
	}
	return p.from.scan("HSCAN", key, pieceElements, func(n int64) error {
		fields, err := p.from.nextBulks(n)
		if err != nil || n == 0 {
			return err
		}
		ends, err := p.from.side.client.HPExpireTime(p.from.ctx, key, fields...).Result()
		if err != nil {
			return p.from.fail(err)
		}
		if len(ends) != len(fields) {
			return p.from.fail(errProtocol)
		}
		return visit(fields, ends)
	}, "NOVALUES")
}

func (p *pair) refuseFieldExpiry() error {
	why := fmt.Errorf("%s knows no expiry of single hash fields, which this hash has", p.to.side.info.version())
	return &deploy.HintedError{Err: p.to.fail(why), Next: fmt.Sprintf("run the same version of redis on %s as on %s", p.to.side.slice, p.from.side.slice)}
}
