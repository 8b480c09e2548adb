package redisync

import (
	"context"
	"errors"
	"fmt"

	"verdigris/deploy"
)

// Look says whether a copy from one slice to the other could begin, and changes nothing on either server: it is for
// whoever is not the one that copies. It also finds a live slice whose redis is fenced, so that its app cannot write, or came
// back with less than it had, and servers that are not those of the slices.
func (d *Data) Look(ctx context.Context, from, to deploy.Slice) error {
	t := &transfer{keys: d.keys, pairs: 1, log: d.Log}
	defer t.Close()
	var err error
	if t.from, err = d.open(ctx, from); err == nil {
		t.to, err = d.open(ctx, to)
	}
	if err != nil {
		return hinted(fmt.Errorf("find %w", err))
	}
	err = t.checkAs(ctx, func(c *conn) error {
		_, err := c.seeFence()
		return err
	})
	if err != nil {
		return hinted(fmt.Errorf("check %w", err))
	}
	if err := errors.Join(t.proveMarks(ctx), t.checkNotLess(ctx)); err != nil {
		return hinted(fmt.Errorf("check %w", err))
	}
	if t.from.fenced {
		return &deploy.HintedError{
			Err:  t.from.fail(ctx, fmt.Errorf("it is fenced although %s is live: its app cannot write", from)),
			Next: "verdigris serve opens it; docs/data.md says how to do it by hand",
		}
	}
	return nil
}

// Ping returns nil when the slice's redis answers and has its data loaded, even if it refuses the user: Look finds that.
// It changes nothing there.
func (d *Data) Ping(ctx context.Context, slice deploy.Slice) error {
	s, err := d.open(ctx, slice)
	if err != nil {
		return hinted(fmt.Errorf("find %w", err))
	}
	defer s.client.Close()
	err = s.client.Ping(ctx).Err()
	if err == nil || isReply(err) && !refusedAs(err, "LOADING") {
		return nil
	}
	return hinted(fmt.Errorf("ping %w", s.fail(ctx, err)))
}
