package redisync

import "context"

// A surplus key is one that a glob selects on the target but that the source does not have. Exact names need no
// search: walking over the source's selection meets them whether they exist or not.

// removeSurplus removes the surplus keys.
func (p *pass) removeSurplus(ctx context.Context) error {
	return p.overSurplus(ctx, func(own *pair, surplus []string) error {
		for _, key := range surplus {
			own.to.send("UNLINK", key)
		}
		if err := own.to.flush(); err != nil {
			return err
		}
		for range surplus {
			if err := own.stored(false); err != nil {
				return err
			}
		}
		return nil
	})
}

// findSurplus notes surplus keys as differences, other than those that are about to expire.
func (p *pass) findSurplus(ctx context.Context) error {
	return p.overSurplus(ctx, func(own *pair, surplus []string) error {
		for _, key := range surplus {
			own.to.sendExpiry(key)
		}
		if err := own.to.flush(); err != nil {
			return err
		}
		for _, key := range surplus {
			end, err := own.to.expiry()
			if err != nil {
				return err
			}
			if !end.passing() {
				p.differs(key)
			}
		}
		return nil
	})
}

func (p *pass) overSurplus(ctx context.Context, work func(own *pair, surplus []string) error) error {
	walk := func(ctx context.Context, hand func(batch) error) error {
		c, err := p.to.dial(ctx)
		if err != nil {
			return err
		}
		defer c.close()
		return c.walkGlobs(p.keys, hand)
	}
	return p.spread(ctx, walk, func(own *pair, found batch) error {
		surplus, err := own.from.missing(found.keys)
		if err != nil || len(surplus) == 0 {
			return err
		}
		return work(own, surplus)
	})
}

// missing returns those of the keys that do not exist.
func (c *conn) missing(keys []string) ([]string, error) {
	for _, key := range keys {
		c.send("EXISTS", key)
	}
	if err := c.flush(); err != nil {
		return nil, err
	}
	var gone []string
	for _, key := range keys {
		n, err := c.integer()
		if err != nil {
			return nil, err
		}
		if n == 0 {
			gone = append(gone, key)
		}
	}
	return gone, nil
}
