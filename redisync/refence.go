package redisync

import (
	"context"
	"errors"
	"fmt"

	"verdigris/deploy"
)

// Fence keeps the app of a slice that the traffic has left from writing to its redis, in the background, until Open: also
// after its redis has restarted, which forgets the fence. Where fencing is switched off, nothing happens.
func (d *Data) Fence(slice deploy.Slice) {
	if d.Fencing {
		d.fencing.ask(slice)
	}
}

// fenceAgain fences a slice whose fence is gone, and notes where that cannot be done.
func (d *Data) fenceAgain(ctx context.Context, left, live *server) error {
	err := left.fence(ctx, live)
	switch {
	case errors.Is(err, errNoFence):
		d.fencing.refuse(left.slice, err)
		d.Log.Warn("the slice that the traffic has left can go on writing", "slice", left.slice, "why", err)
		return nil
	case err != nil:
		return fmt.Errorf("fence %s again: %w", left.slice, err)
	}
	d.fencing.found(left.slice, true)
	d.Log.Info("the redis of the slice that the traffic has left is fenced again", "slice", left.slice)
	return nil
}

// liftLeftover lets the app of the live slice write again where its redis came back with a fence, as its files may have had
// one in them.
func (d *Data) liftLeftover(ctx context.Context, live *server) error {
	own, err := live.client.HLen(ctx, fenceKey).Result()
	if refusedAs(err, "NOPERM") {
		return nil // a fence of ours would have left us the right to look
	}
	if err != nil {
		return live.fail(ctx, err)
	}
	isLeft := own > 0
	if !isLeft {
		if isLeft, err = live.isFencedByLedger(ctx); err != nil || !isLeft {
			return err
		}
	}
	if err := live.unfence(ctx); err != nil {
		return fmt.Errorf("lift the fence that was left on the live slice: %w", err)
	}
	d.fencing.opened(live.slice)
	d.Log.Warn("the redis of the live slice had come back with a fence; its app may write again", "slice", live.slice)
	return nil
}

// fence fences the target of a follower in step.
func (m *mirror) fence(ctx context.Context, f *follower) error {
	if err := m.data.fenceAgain(ctx, f.transfer.to, f.transfer.from); err != nil {
		return err
	}
	f.isMarked = false // a fence takes the marker away
	return errors.Join(f.to.login(), f.sight.to.login())
}

// fenceAlone fences a slice that no mirror goes to.
func (d *Data) fenceAlone(ctx context.Context, slice deploy.Slice) error {
	t, err := d.connect(ctx, slice.Other(), slice)
	if err != nil {
		return err
	}
	defer t.Close()
	if t.to.fenced {
		d.fencing.found(slice, true)
		return nil
	}
	return d.fenceAgain(ctx, t.to, t.from)
}
