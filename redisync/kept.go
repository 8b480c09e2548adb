package redisync

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"verdigris/deploy"
)

// A target whose app could write may have values that somebody was told are stored: while the router led to the wrong
// slice, or a fence was gone. A copy does not destroy them: what differs from the source is kept under another name first, and
// stays for some days for people to look at.

const (
	keptPrefix = ownPrefix + "kept:"
	// keptFor is long enough for a person to come back after a weekend.
	keptFor = 72 * time.Hour
)

// keeps notes what a copy has kept, for the status to say.
func (d *Data) keeps(kept *deploy.Kept) {
	if kept != nil {
		d.kept.Store(kept)
	}
}

// keptNow is what a server still has of what was kept.
func (d *Data) keptNow() *deploy.Kept {
	if kept := d.kept.Load(); kept != nil && time.Now().Before(kept.Until) {
		return kept
	}
	return nil
}

// keep keeps the target's values that the copy is about to go over, unless nobody but us could write there.
// It returns what it has kept; nil for nothing.
func (p *pass) keep(ctx context.Context) (*deploy.Kept, error) {
	if p.to.fenced {
		return nil, nil
	}
	now := time.Now().UTC()
	kept := &deploy.Kept{Slice: p.to.slice, Below: keptPrefix + strconv.FormatInt(now.Unix(), 10) + ":", Until: now.Add(keptFor)}
	var mu sync.Mutex
	note := func(keys []string) {
		mu.Lock()
		defer mu.Unlock()
		kept.Count += int64(len(keys))
		kept.Keys = append(kept.Keys, keys[:min(len(keys), max(0, shownStrays-len(kept.Keys)))]...)
	}
	work := func(own *pair, keys []string) error {
		found, err := own.to.keepBelow(kept.Below, keys)
		note(found)
		return err
	}
	look := p.newPass(p.snapshots)
	err := look.over(ctx, func(own *pair, found batch) error {
		different, err := own.overwritten(found)
		if err != nil || len(different) == 0 {
			return err
		}
		return work(own, different)
	})
	if err == nil {
		err = look.overSurplus(ctx, work)
	}
	if kept.Count == 0 {
		return nil, err
	}
	slices.Sort(kept.Keys)
	p.log.Warn("values of a slice that was not fenced differ from the live one's; they were kept before the copy",
		"slice", kept.Slice, "count", kept.Count, "below", kept.Below, "until", kept.Until, "keys", kept.Keys)
	return kept, err
}

// overwritten returns those of the keys that the target has, with another value than the source.
func (p *pair) overwritten(found batch) ([]string, error) {
	missing, err := p.to.missing(found.keys)
	if err != nil {
		return nil, err
	}
	var there batch
	for i, key := range found.keys {
		if !slices.Contains(missing, key) {
			there.keys, there.sizes = append(there.keys, key), append(there.sizes, found.sizes[i])
		}
	}
	if len(there.keys) == 0 {
		return nil, nil
	}
	return p.compare(there, true)
}

// keepBelow keeps the values of keys under names of our own, which come to their end, and returns the keys that were there. The
// keys stay as they are, as long as the server can do that: it needs COPY (redis 6.2).
func (c *conn) keepBelow(prefix string, keys []string) (kept []string, err error) {
	for _, key := range keys {
		if c.side.can.snapshot {
			c.send("COPY", key, prefix+key)
		} else {
			c.send("RENAME", key, prefix+key)
		}
		c.send("PEXPIRE", prefix+key, strconv.FormatInt(keptFor.Milliseconds(), 10))
	}
	if err := c.flush(); err != nil {
		return nil, err
	}
	var first error
	for _, key := range keys {
		err := c.skip()
		if err != nil && !isReply(err) {
			return kept, err
		}
		there, ended := c.integer()
		if ended != nil && !isReply(ended) {
			return kept, ended
		}
		switch {
		case err == nil && there == 1:
			kept = append(kept, key)
		case err != nil && !refusedAs(err, "ERR no such key") && first == nil: // it came to its end just now
			first = fmt.Errorf("keep key %s: %w", shown(key), err)
		}
	}
	return kept, first
}
