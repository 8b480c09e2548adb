package redisync

import "context"

// readiness is what lets a mirror turn round in a moment: two connections for the follower that goes the other way.
// They outlive the follower that made them if they are handed over, and end with it otherwise.
type readiness struct {
	reverse *link // to the target's own stream
	watch   *conn // tells who else writes to the source
	bound   []func() bool
}

// makeReady sees to it that both connections are there and hold nothing of what was before. A cutover that is prepared
// may wait for long: what comes over them meanwhile would fill the servers' memory and our disk.
func (f *follower) makeReady(ctx context.Context) error {
	if f.ready != nil && f.ready.renew() == nil {
		return nil
	}
	f.dropReady()
	r := &readiness{}
	ctx = context.WithoutCancel(ctx)
	err := r.join(ctx, f)
	if err == nil {
		err = r.look(ctx, f)
	}
	if err != nil {
		r.close()
		return err
	}
	f.ready = r
	return nil
}

// join joins the target's stream at its end.
func (r *readiness) join(ctx context.Context, f *follower) (err error) {
	if r.reverse, err = f.transfer.to.joinNow(ctx); err != nil {
		return err
	}
	r.bound = append(r.bound, context.AfterFunc(f.from.ctx, r.reverse.cancel))
	return nil
}

// look has the source tell from now on.
func (r *readiness) look(ctx context.Context, f *follower) (err error) {
	if r.watch, err = f.transfer.from.dial(ctx); err != nil {
		return err
	}
	tcp := r.watch.tcp
	r.bound = append(r.bound, context.AfterFunc(f.from.ctx, func() { tcp.Close() }))
	return r.watch.track(f.keys)
}

// renew forgets what has come over the connections so far.
func (r *readiness) renew() error {
	if err := r.reverse.forget(); err != nil {
		return err
	}
	_, _, err := r.watch.strays()
	return err
}

// unbind lets the connections outlive the follower.
func (r *readiness) unbind() {
	for _, stop := range r.bound {
		stop()
	}
}

func (r *readiness) close() {
	r.unbind()
	if r.reverse != nil {
		r.reverse.close()
	}
	if r.watch != nil {
		r.watch.close()
	}
}

func (f *follower) dropReady() {
	if f.ready != nil {
		f.ready.close()
		f.ready = nil
	}
}
