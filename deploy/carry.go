package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// turnWithin bounds the turn: the traffic has moved, and only the record waits for it.
const turnWithin = 10 * time.Second

// cargo is the data of one cutover on its way. The transfer is nil for an app without data, before it has begun, and
// once it has been given up.
type cargo struct{ transfer Transfer }

// pickUp makes the mirror the cutover's own until the cargo is put down.
func (r *run) pickUp() *cargo {
	r.mirror.carry(true)
	return &cargo{}
}

// putDown closes the transfer, whatever has happened, and makes the mirror again what it should be.
func (r *run) putDown(ctx context.Context, c *cargo) {
	r.drop(c)
	r.mirror.carry(false)
	r.keepMirror(ctx)
}

// drop closes the transfer, if there is one.
func (r *run) drop(c *cargo) {
	if c.transfer == nil {
		return
	}
	if err := c.transfer.Close(); err != nil {
		r.worker.log.Warn("could not end a transfer properly", "deployment", r.d.ID, "error", err)
	}
	c.transfer = nil
}

// carry copies the bulk of the data while traffic goes on, and then does the cutover proper.
func (r *run) carry(ctx context.Context, live Route) error {
	do := r.forward(ctx)
	c := r.pickUp()
	defer r.putDown(ctx, c)
	if err := r.bulkCopy(c, live.Slice, r.d.Slice, do); err != nil {
		return err
	}
	// Before the hold: requests do not wait for a worker's grace.
	stopped, err := r.stopWorkers(live.Slice, do)
	if err == nil {
		err = r.move(ctx, c, r.d.Slice, live, do)
	}
	if err != nil {
		return errors.Join(err, r.restartWorkers(ctx, live.Slice, stopped))
	}
	r.turn(c, live.Slice, do)
	return nil
}

// bulkCopy brings the selected keys over while traffic goes on. Without data there is no transfer.
func (r *run) bulkCopy(c *cargo, from, to Slice, do step) error {
	if r.Data == nil {
		return nil
	}
	return do(PhaseCopy, r.app.Timeouts.Copy, func(ctx context.Context) (string, error) {
		var err error
		if c.transfer, err = r.Data.Begin(ctx, from, to); err != nil {
			c.transfer = nil
			return "", err
		}
		report, err := c.transfer.Copy(ctx, r.copyProgress())
		return report.String(), err
	})
}

// turn lets the data follow the traffic: the slice that was left is fenced, and a mirror turns round. The traffic has
// moved by now, so a failure is told and does not spoil the cutover.
func (r *run) turn(c *cargo, left Slice, do step) {
	if c.transfer == nil {
		return
	}
	err := do(PhaseTurn, 0, func(ctx context.Context) (string, error) {
		// Being stopped is no reason to leave the old slice open to late writes.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), turnWithin)
		defer cancel()
		late, err := c.transfer.Turn(ctx)
		if len(late) > 0 {
			r.worker.log.Warn("selected keys were written on the old slice after the copy", "deployment", r.d.ID, "slice", left, "keys", late)
		}
		now := r.Data.Mirrored()
		r.strays = now.Strays.count()
		return turned(now, left, late), err
	})
	if err != nil {
		r.worker.log.Error("the data did not follow the traffic", "deployment", r.d.ID, "left", left, "error", err)
	}
}

// turned says in a few words how the data stands after the turn.
func turned(m MirrorStatus, left Slice, late []string) string {
	var said []string
	if m.To == left && m.State != MirrorOff && m.State != MirrorImpossible {
		said = append(said, fmt.Sprintf("%s follows %s", m.To, m.From))
	}
	if m.Fenced == left {
		said = append(said, fmt.Sprintf("%s's redis is fenced", left))
	}
	switch len(late) {
	case 0:
		said = append(said, "no late writes")
	case 1:
		said = append(said, fmt.Sprintf("1 key was written on %s after the copy: %s; the value of %s counts", left, late[0], left.Other()))
	default:
		said = append(said, fmt.Sprintf("%d keys were written on %s after the copy: %s; the values of %s count", len(late), left, some(late), left.Other()))
	}
	return strings.Join(said, "; ")
}

// some lists a few and says how many there are besides.
func some(names []string) string {
	const shown = 10
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}
