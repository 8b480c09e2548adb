package redisync

import (
	"context"
	"sync"
)

// synchronise makes the target equal to the source while both are in use: it copies all selected keys, carries out
// what the stream says of the time since, and then compares both sides. The comparison is for what the copy cannot
// know of: keys that the standby's own app wrote while they were copied. A key that differs at that moment, perhaps
// only because it is being written, is read anew.
func (f *follower) synchronise(ctx context.Context, run *pass) error {
	if err := f.findDatabase(ctx); err != nil {
		return err
	}
	if err := f.copyAll(ctx, run); err != nil {
		return err
	}
	if _, _, err := f.to.strays(); err != nil { // those are mostly our own, of other connections
		return err
	}
	if err := f.until(ctx, f.window); err != nil {
		return err
	}
	return f.verify(ctx)
}

// copyAll copies the selected keys, and notes what is known about when they were read.
func (f *follower) copyAll(ctx context.Context, run *pass) error {
	var mu sync.Mutex
	run.readAt = func(key string, offset int64) {
		mu.Lock()
		defer mu.Unlock()
		f.read[key], f.latest = offset, max(f.latest, offset)
	}
	if err := run.removeSurplus(ctx); err != nil {
		return err
	}
	if err := run.over(ctx, (*pair).copyBatch); err != nil {
		return err
	}
	now, err := f.from.side.replication(ctx)
	f.window = now.number("master_repl_offset")
	return err
}

// verify compares all selected keys and reads anew those that differ.
func (f *follower) verify(ctx context.Context) error {
	var mu sync.Mutex
	look := f.newPass(snapshotCopies{f.transfer})
	note := func(keys []string) {
		mu.Lock()
		defer mu.Unlock()
		for _, key := range keys {
			f.taint(key)
		}
	}
	err := look.over(ctx, func(p *pair, found batch) error {
		different, err := p.compare(found, false)
		note(different)
		return err
	})
	if err != nil {
		return err
	}
	err = look.overSurplus(ctx, func(_ *pair, keys []string) error {
		note(keys)
		return nil
	})
	if err != nil {
		return err
	}
	now, err := f.from.side.replication(ctx)
	if err != nil {
		return err
	}
	return f.until(ctx, now.number("master_repl_offset"))
}
