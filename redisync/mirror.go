package redisync

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"verdigris/deploy"
)

// mirror keeps the selected keys of one slice in step with the other's, until it is closed. What breaks is tried again.
type mirror struct {
	data     *Data
	from, to deploy.Slice
	asks     chan func(*follower) error
	cancel   context.CancelFunc
	over     chan struct{}
	left     *handover // for a mirror the other way round, once this one is over

	mu      sync.Mutex
	status  deploy.MirrorStatus
	changed chan struct{} // closed when the state changes
	active  *follower     // what the numbers of the status come from; nil while there is none
	copying *pass
}

// handover is what a mirror goes on with that another has left in step.
type handover struct {
	*transfer          // from the slice that is live now
	to        *conn    // tracked, to the other one
	link      *link    // to the source's stream
	at        position // in it, at which both sides were equal
	late      []string // what was written on the target since
}

func (h *handover) close() {
	h.link.close()
	h.to.close()
	h.transfer.Close()
}

// startMirror begins to follow from as soon as another mirror is over, with what that one has left for it.
func (d *Data) startMirror(from deploy.Slice, after *mirror) *mirror {
	ctx, cancel := context.WithCancel(context.Background())
	m := &mirror{
		data: d, from: from, to: from.Other(), asks: make(chan func(*follower) error), cancel: cancel,
		over: make(chan struct{}), changed: make(chan struct{}),
		status: deploy.MirrorStatus{State: deploy.MirrorConnecting, From: from, To: from.Other(), Since: time.Now().UTC()},
	}
	go func() {
		defer close(m.over)
		m.run(ctx, m.inherit(after))
	}()
	return m
}

// inherit waits for the end of the mirror before and returns what it has left, if that is of use to this one.
func (m *mirror) inherit(after *mirror) *handover {
	if after == nil {
		return nil
	}
	after.cancel()
	<-after.over
	h := after.left
	if h != nil && h.from.slice != m.from {
		h.close()
		return nil
	}
	return h
}

// close ends the mirror and waits until it has.
func (m *mirror) close() {
	m.cancel()
	<-m.over
	if m.left != nil {
		m.left.close()
	}
}

// run follows, and begins again when that ended: at once after a while in step, else after a growing pause.
func (m *mirror) run(ctx context.Context, h *handover) {
	var again retries
	for {
		if h == nil && m.awaitRest(ctx) != nil {
			return
		}
		began := time.Now()
		err := m.session(ctx, h)
		h = nil
		if ctx.Err() != nil {
			return
		}
		again.lasted(began)
		if errors.Is(err, errResting) {
			continue
		}
		m.broke(err)
		if errors.Is(err, errHistoryLost) || errors.Is(err, errResync) || errors.Is(err, errAnotherServer) {
			continue // nothing is wrong with the servers
		}
		if again.wait(ctx) != nil {
			return
		}
	}
}

// session connects to both sides and follows until something breaks. Other than a copy, which ends when the mirror has to
// rest, following waits.
func (m *mirror) session(ctx context.Context, h *handover) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var f *follower
	if h != nil {
		f, err = m.takeOver(ctx, h)
	} else {
		stop := m.cancelAtRest(cancel)
		f, err = m.begin(ctx)
		stop()
	}
	if f != nil {
		defer f.close()
	}
	if errors.Is(context.Cause(ctx), errResting) {
		return errResting
	}
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.active = f
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		m.active = nil
		m.mu.Unlock()
	}()
	return m.follow(ctx, f)
}

// close ends a follower and all its connections.
func (f *follower) close() {
	f.link.close()
	f.dropReady()
	f.sight.to.close()
	f.pair.close()
	if !f.left {
		f.transfer.Close()
	}
}

// begin connects, and brings the standby in step: from where a mirror left off, or else by a copy.
func (m *mirror) begin(ctx context.Context) (*follower, error) {
	if err := m.adopt(ctx); err != nil {
		return nil, err
	}
	t, err := m.data.connect(ctx, m.from, m.to)
	if err != nil {
		return nil, err
	}
	if err := m.data.liftLeftover(ctx, t.from); err != nil {
		t.Close()
		return nil, err
	}
	m.data.fencing.found(m.to, t.to.fenced)
	if m.data.fencing.wants(m.to) {
		// Its app may have written since the fence was gone, so that for the copy it counts as one that can.
		if err := m.data.fenceAgain(ctx, t.to, t.from); err != nil {
			t.Close()
			return nil, err
		}
	}
	if err := t.proveLease(ctx, m.data.Holder); err != nil {
		t.Close()
		return nil, err
	}
	t.putMarks(ctx)
	f, err := m.join(ctx, t)
	if err != nil {
		if f != nil {
			f.close()
		} else {
			t.Close()
		}
		return nil, err
	}
	return f, nil
}

func (m *mirror) join(ctx context.Context, t *transfer) (*follower, error) {
	p, err := t.newPass(snapshotCopies{t}).connect(ctx)
	if err != nil {
		return nil, err
	}
	f, err := m.attach(ctx, p)
	if err != nil {
		p.close()
		return nil, err
	}
	if f.link.start.db != unknownDB { // it goes on where a mirror had left off, and does not know what that one had touched
		f.touched.all = true
		return f, nil
	}
	run := t.newPass(snapshotCopies{t})
	m.enterCopy(run)
	kept, err := run.keep(ctx)
	m.data.keeps(kept)
	if err != nil {
		return f, err
	}
	return f, f.synchronise(ctx, run)
}

// attach has the target tell of strays and joins the source's stream.
func (m *mirror) attach(ctx context.Context, p *pair) (*follower, error) {
	if err := p.to.track(p.keys); err != nil {
		return nil, m.cannot(err, "redis 6.0 or newer on both sides, and a user that may use HELLO and CLIENT TRACKING")
	}
	table, err := p.from.side.commands(ctx)
	if err != nil {
		return nil, m.cannot(err, "a user that may use COMMAND")
	}
	l, err := m.joinSource(ctx, p)
	if err != nil {
		return nil, m.cannot(err, "a user of the live slice's redis that may use PSYNC, REPLCONF and INFO")
	}
	sight, err := p.to.side.dial(ctx)
	if err != nil {
		l.close()
		return nil, err
	}
	return newFollower(p, sight, l, table), nil
}

// joinSource joins the source's stream where a mirror left off, on a target that nobody else could write to since and
// if that is not too long ago; else where the source is now.
func (m *mirror) joinSource(ctx context.Context, p *pair) (*link, error) {
	if p.transfer.to.fenced {
		at, err := p.transfer.to.leftOff(ctx, p.keys)
		if err != nil {
			return nil, err
		}
		if at.id != "" {
			if l, err := p.transfer.from.attach(ctx, at); !errors.Is(err, errHistoryLost) {
				return l, err
			}
		}
	}
	return p.transfer.from.joinNow(ctx)
}

// errCannot means that the servers do not allow a mirror, however often it is tried.
var errCannot = errors.New("these servers cannot be mirrored")

// cannot tells what a server refuses from what is broken for now.
func (m *mirror) cannot(err error, needs string) error {
	if !refusedAs(err, "NOPERM", "ERR") {
		return err
	}
	return &deploy.HintedError{
		Err:  fmt.Errorf("%w: %w", errCannot, err),
		Next: "cutovers copy instead; a mirror needs " + needs,
	}
}

// takeOver goes on with what another mirror left in step.
func (m *mirror) takeOver(ctx context.Context, h *handover) (*follower, error) {
	context.AfterFunc(ctx, func() { // both were made to outlive the mirror before
		h.to.tcp.Close()
		h.link.cancel()
	})
	f, err := m.continued(ctx, h)
	if err != nil {
		h.close()
		return nil, err
	}
	for _, key := range h.late {
		f.taint(key)
	}
	return f, f.work()
}

func (m *mirror) continued(ctx context.Context, h *handover) (*follower, error) {
	after, err := h.link.skipTo(ctx, h.at.offset)
	if err != nil {
		return nil, err
	}
	table, err := h.transfer.from.commands(ctx)
	if err != nil {
		return nil, err
	}
	from, err := h.transfer.from.dial(ctx)
	if err != nil {
		return nil, err
	}
	sight, err := h.transfer.to.dial(ctx)
	if err != nil {
		from.close()
		return nil, err
	}
	f := newFollower(&pair{pass: h.newPass(snapshotCopies{h.transfer}), from: from, to: h.to}, sight, h.link, table)
	f.decode.feed(after)
	return f, nil
}
