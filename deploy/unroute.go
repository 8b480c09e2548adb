package deploy

import (
	"context"
	"fmt"
	"time"
)

// unroute mends a route that could not be confirmed: the old one is in force again and requests still wait. The slice
// that it led to may have taken a request in between, so what it wrote is carried back before the wait ends. On the
// way back of a release that failed, this leaves the traffic with it.
func (r *run) unroute(ctx context.Context, c *cargo, hold Hold, to Slice, before fate) error {
	ctx = context.WithoutCancel(ctx)
	// The transfer there stays open meanwhile. Data that is known to be incomplete must not go over the whole.
	if c.transfer != nil && r.lost == nil {
		if r.lost = r.settleBack(ctx, to); r.lost != nil {
			r.stopMirroring(ctx)
		}
	}
	err := r.callOff(ctx, hold)
	if err == nil && before == untouched {
		r.fate = returned
	}
	return err
}

// settleBack takes half of the hold's time at most: the gate lets requests go on when it is over.
func (r *run) settleBack(ctx context.Context, from Slice) error {
	ctx, cancel := context.WithTimeout(ctx, r.app.HoldTimeout/2)
	defer cancel()
	back, err := r.Data.Begin(ctx, from, from.Other())
	if err != nil {
		return err
	}
	defer back.Close()
	_, err = back.Settle(ctx)
	return err
}

// callOff lets the waiting requests go to the slice that was live, even when verdigris is being stopped.
func (r *run) callOff(ctx context.Context, hold Hold) error {
	if hold == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err := hold.Abort(ctx)
	r.waited(hold)
	if err != nil {
		return fmt.Errorf("call the cutover off: %w", err)
	}
	return nil
}
