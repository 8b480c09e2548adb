package redisync

import (
	"context"
	"errors"
	"fmt"
	"time"

	"verdigris/deploy"
)

// tendEvery is how often a follower looks for strays, and after others; tendQuiet is how often where nothing was written on
// either side meanwhile, since an idle site is to cost next to nothing.
const tendEvery, tendQuiet = 250 * time.Millisecond, time.Second

// follow carries the stream out until something breaks that has to begin anew. A link that broke is joined again.
func (m *mirror) follow(ctx context.Context, f *follower) error {
	f.due = time.NewTimer(tendEvery)
	defer f.due.Stop()
	m.enter(deploy.MirrorInStep)
	rested := false
	for {
		held := rested || f.blocked != nil
		why, changed := m.data.rest.now()
		if rested = why != ""; rested {
			m.paused(why)
		}
		err := m.turnOnce(ctx, f, rested, changed)
		var blocked *blockedError
		switch {
		case err == nil:
			if held && !rested && f.blocked == nil {
				m.enter(deploy.MirrorInStep)
			}
		case errors.Is(err, errLinkLost):
			if err := m.rejoin(ctx, f); err != nil {
				return err
			}
		case errors.As(err, &blocked) && !refusedAs(blocked.error, "NOPERM"):
			m.blocked(err)
		default:
			return err
		}
	}
}

// turnOnce waits for one thing to do, and does it. A mirror that rests does only what a cutover asks of it, which itself has
// made certain who answers.
func (m *mirror) turnOnce(ctx context.Context, f *follower, rested bool, changed <-chan struct{}) error {
	ready := f.link.spool.ready
	if rested || f.resting || f.blocked != nil {
		ready = nil
	}
	due := f.due.C
	if rested {
		due = nil
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-changed:
		return nil
	case ask := <-m.asks:
		return ask(f)
	case <-ready:
		f.stir()
		return f.step()
	case <-due:
		f.due.Reset(tendQuiet)
		f.isQuiet = true
		return m.tend(ctx, f)
	}
}

// tend does what is due now and then: a target that took no writes is tried again, what others wrote there is mended,
// and the marker follows.
func (m *mirror) tend(ctx context.Context, f *follower) error {
	if f.resting {
		return nil
	}
	if f.ready != nil && f.ready.renew() != nil {
		f.dropReady() // it is made anew when it is needed
	}
	if f.blocked != nil {
		if err := f.step(); err != nil {
			return err
		}
	}
	strays, err := f.mendStrays(ctx)
	m.strayed(strays)
	if len(strays) > 0 || f.blocked != nil {
		f.stir()
	}
	if err != nil {
		return err
	}
	if m.data.fencing.wants(m.to) {
		if err := m.fence(ctx, f); err != nil {
			return err
		}
	}
	if err := f.flush(); err != nil {
		return err
	}
	f.keepBeat(ctx)
	if time.Since(f.leased) < leaseEvery {
		return nil
	}
	f.leased = time.Now()
	return f.transfer.proveLease(ctx, m.data.Holder)
}

// rejoin attaches to the source again, where the follower left off. A source that cannot go on from there has lost its
// history, and everything begins anew.
func (m *mirror) rejoin(ctx context.Context, f *follower) error {
	at := f.position()
	f.link.close()
	var again retries
	for {
		l, err := m.reattach(ctx, f, at)
		if err == nil {
			l.start.db = at.db
			m.set(func(*deploy.MirrorStatus) { f.join(l) }) // the status reads from the link
			m.enter(deploy.MirrorInStep)
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !errors.Is(err, errLinkLost) {
			return err
		}
		m.broke(err)
		if err := again.wait(ctx); err != nil {
			return err
		}
	}
}

// reattach connects anew, to wherever the source is by now.
func (m *mirror) reattach(ctx context.Context, f *follower, at position) (*link, error) {
	address, err := f.from.side.Address(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errLinkLost, f.from.side.fail(ctx, err))
	}
	if address != f.from.side.address {
		return nil, f.from.side.fail(ctx, errHistoryLost) // another server: its clients have to be made anew
	}
	l, err := f.from.side.attach(ctx, at)
	if err == nil {
		return l, nil
	}
	// A source that started anew does not know the user that passed its fence: it refuses, and that does not pass.
	if errors.Is(err, errHistoryLost) || errors.Is(err, errAnotherServer) || isReply(err) && !refusedAs(err, "LOADING", "BUSY", "NOMASTERLINK") {
		return nil, err
	}
	return nil, fmt.Errorf("%w: %w", errLinkLost, err)
}

// ask has the follower do something between two batches, and returns what came of it. It waits for a mirror that is
// not following yet.
func ask[T any](ctx context.Context, m *mirror, do func(*follower) (T, error)) (answer T, err error) {
	type outcome struct {
		answer T
		err    error
	}
	done := make(chan outcome, 1)
	order := func(f *follower) error {
		if ctx.Err() != nil {
			return nil // whoever asked has gone
		}
		answer, err := do(f)
		done <- outcome{answer, err}
		return f.broken(ctx, err)
	}
	select {
	case m.asks <- order:
	case <-ctx.Done():
		return answer, context.Cause(ctx)
	case <-m.over:
		return answer, errMirrorOver
	}
	select {
	case o := <-done:
		return o.answer, o.err
	case <-ctx.Done():
		return answer, context.Cause(ctx)
	}
}

// broken tells which errors of an order the follower cannot go on after.
func (f *follower) broken(ctx context.Context, err error) error {
	switch {
	case errors.As(err, new(*blockedError)), errors.As(err, new(*tornError)):
		return err
	case refusedAs(err, "WRONGPASS"):
		return err // somebody else has changed our own user, which is made again for new connections
	case err == nil, isReply(err):
		return nil
	case ended(ctx) != nil && calledOff(err) && f.from.ctx.Err() == nil:
		return nil // whoever asked has called it off, between two steps
	}
	return err
}

// calledOff tells whether an error is the end of somebody's context. Which end may have changed since: one whose time is
// over is often canceled next.
func calledOff(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// leave ends the following, and keeps what is left for the mirror that comes after this one.
func (m *mirror) leave(ctx context.Context, f *follower) (d departure) {
	d, m.left = f.leave(ctx, m.data.Fencing)
	return d
}

// errMirrorOver means that a mirror was ended.
var errMirrorOver = errors.New("the mirror was ended")
