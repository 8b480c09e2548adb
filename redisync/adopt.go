package redisync

import (
	"context"
	"fmt"

	"verdigris/deploy"
)

// Adopt settles whose data is the right one after the live redis came back with less than it had: the mirror begins anew from
// there, also where it would not by itself. From the standby, what it has is brought to the live slice first; values there that
// differ are kept under names of our own. It returns at once, and Mirrored says how it goes.
func (d *Data) Adopt(from deploy.Slice) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.adopts.set(from)
	if old := d.mirror; old != nil {
		old.close()
		d.mirror = d.startMirror(old.from, nil)
	}
}

// adopt does what a person has decided.
func (m *mirror) adopt(ctx context.Context) error {
	from := m.data.adopts.get()
	if from == "" {
		return nil
	}
	t, err := m.data.connectAnyway(ctx, from, from.Other())
	if err != nil {
		return err
	}
	defer t.Close()
	standby := t.to
	if from == m.to {
		standby = t.from
		if err := m.bringBack(ctx, t); err != nil {
			return hinted(fmt.Errorf("bring back to %s what %s has: %w", m.from, m.to, err))
		}
	}
	if err := standby.client.Unlink(ctx, seenKey).Err(); err != nil {
		return standby.fail(ctx, err)
	}
	m.data.adopts.set("")
	m.data.Log.Warn("the mirror begins anew from what a person has decided for", "from", from)
	return nil
}

// bringBack copies from the standby to the live slice.
func (m *mirror) bringBack(ctx context.Context, t *transfer) error {
	run := t.newPass(snapshotCopies{t})
	m.enterCopy(run)
	kept, err := run.keep(ctx)
	m.data.keeps(kept)
	if err == nil {
		err = run.removeSurplus(ctx)
	}
	if err == nil {
		err = run.over(ctx, (*pair).copyBatch)
	}
	return err
}
