package redisync

import (
	"context"
	"errors"
	"fmt"
	"time"

	"verdigris/deploy"
)

// tendEvery is how often a follower looks for strays, and after others.
const tendEvery = 250 * time.Millisecond

// follow carries the stream out until something breaks that has to begin anew. A link that broke is joined again.
func (m *mirror) follow(ctx context.Context, f *follower) error {
	tick := time.NewTicker(tendEvery)
	defer tick.Stop()
	m.enter(deploy.MirrorInStep)
	for {
		err := m.turnOnce(ctx, f, tick.C)
		var blocked *blockedError
		switch {
		case err == nil:
		case errors.Is(err, errLinkLost):
			if err := m.rejoin(ctx, f); err != nil {
				return err
			}
		case errors.As(err, &blocked):
			m.blocked(err)
		default:
			return err
		}
	}
}

// turnOnce waits for one thing to do, and does it.
func (m *mirror) turnOnce(ctx context.Context, f *follower, tick <-chan time.Time) error {
	ready := f.link.spool.ready
	if f.resting || f.blocked != nil {
		ready = nil
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case ask := <-m.asks:
		return ask(f)
	case <-ready:
		return f.step()
	case <-tick:
		return m.tend(ctx, f)
	}
}

// tend does what is due now and then: a target that took no writes is tried again, what others wrote there is mended,
// and the marker follows.
func (m *mirror) tend(ctx context.Context, f *follower) error {
	if f.resting {
		return nil
	}
	if f.blocked != nil {
		if err := f.step(); err != nil {
			return err
		}
		m.enter(deploy.MirrorInStep)
	}
	strays, err := f.mendStrays(ctx)
	m.strayed(strays)
	if err != nil {
		return err
	}
	return f.flush()
}

// rejoin attaches to the source again, where the follower left off. A source that cannot go on from there has lost its
// history, and everything begins anew.
func (m *mirror) rejoin(ctx context.Context, f *follower) error {
	at := f.position()
	f.link.close()
	pause := retryFirst
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
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
			pause = min(2*pause, retryMost)
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
	if errors.Is(err, errHistoryLost) || isReply(err) && !refusedAs(err, "LOADING", "NOMASTERLINK") {
		return nil, err
	}
	return nil, fmt.Errorf("%w: %w", errLinkLost, err)
}

// ask has the follower do something between two batches. It waits for a mirror that is not following yet.
func (m *mirror) ask(ctx context.Context, do func(*follower) error) error {
	done := make(chan error, 1)
	order := func(f *follower) error {
		if ctx.Err() != nil {
			return nil // whoever asked has gone
		}
		err := do(f)
		done <- err
		if err == nil || isReply(err) && !errors.As(err, new(*blockedError)) {
			return nil
		}
		return err
	}
	select {
	case m.asks <- order:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-m.over:
		return errMirrorOver
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-m.over:
		return errMirrorOver
	}
}

// errMirrorOver means that a mirror was ended.
var errMirrorOver = errors.New("the mirror was ended")
