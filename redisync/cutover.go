package redisync

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"verdigris/deploy"
)

// What a follower does for a cutover, in this order: prepare while traffic goes on, settle while it waits, and then
// either resume or leave.

const (
	preparations = 5   // how often touched keys are compared before a hold, at the most
	fewTouched   = 300 // how many may be left to compare during it
	mendings     = 3   // how often keys are mended and compared again during it
)

// prepare does all that need not be done while requests wait: it compares what was touched, sees to it that the target
// keeps the history of its stream, by which the mirror can turn round without a copy, and begins to watch the source.
func (f *follower) prepare(ctx context.Context) error {
	for range preparations {
		if err := f.recheck(ctx); err != nil {
			return err
		}
		if !f.touched.all && len(f.touched.keys) <= fewTouched {
			break
		}
	}
	return f.makeReady(ctx)
}

// makeReady joins the target's stream, by which the mirror turns round, and has the source tell who else writes to it.
// Both connections outlive the follower, for the one that goes the other way.
func (f *follower) makeReady(ctx context.Context) error {
	if f.reverse == nil {
		l, err := f.transfer.to.joinNow(context.WithoutCancel(ctx))
		if err != nil {
			return err
		}
		f.reverse = l
	}
	if f.watch != nil {
		return nil
	}
	return f.watchSource(ctx)
}

func (f *follower) watchSource(ctx context.Context) error {
	c, err := f.transfer.from.dial(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	if err := c.track(f.keys); err != nil {
		c.close()
		return err
	}
	f.watch = c
	return nil
}

// joinNow attaches to the server's stream at its end.
func (s *server) joinNow(ctx context.Context) (*link, error) {
	now, err := s.replication(ctx)
	if err != nil {
		return nil, err
	}
	at := positionOf(now)
	if at.id == "" { // it begins to keep a history with its first replica
		defer s.hasten(ctx)()
	}
	return s.attach(ctx, at)
}

// settle brings the target to where the source is now that nothing writes any more, and makes sure that both are equal.
func (f *follower) settle(ctx context.Context) (compared int, err error) {
	if err := f.makeReady(ctx); err != nil { // it has been done, but for a follower that broke since
		return 0, err
	}
	if _, _, err := f.watch.strays(); err != nil {
		return 0, err
	}
	if err := f.catchUp(ctx); err != nil {
		return 0, err
	}
	for range mendings {
		n, different, err := f.mend(ctx)
		compared = max(compared, n)
		if err != nil {
			return compared, err
		}
		if len(different) == 0 {
			return compared, f.rest(ctx)
		}
		for _, key := range different {
			f.touched.add([]byte(key)) // look at it once more
			f.taint(key)
		}
		if err := f.flush(); err != nil {
			return compared, err
		}
	}
	return compared, fmt.Errorf("%w: something writes to the redis of %s or %s besides requests", deploy.ErrDataDiffers, f.transfer.from.slice, f.transfer.to.slice)
}

// mend compares what was touched or written by others, and returns what differs; or reads all anew that differs, where
// it is not known what that was.
func (f *follower) mend(ctx context.Context) (compared int, different []string, err error) {
	strays, err := f.mendStrays(ctx)
	if err != nil {
		return 0, nil, err
	}
	for _, key := range strays {
		f.touched.add([]byte(key))
	}
	if f.touched.all {
		return 0, nil, f.recheck(ctx)
	}
	different, err = f.unequal(maps.Keys(f.touched.keys))
	if err != nil {
		return 0, nil, err
	}
	return len(f.touched.take().keys), different, nil
}

// rest stops following with both sides equal, and opens the target to its app.
func (f *follower) rest(ctx context.Context) error {
	now, err := f.transfer.to.replication(ctx)
	if err != nil {
		return err
	}
	f.back, f.resting = positionOf(now), true
	if known, err := f.transfer.to.leaveTrace(ctx, f.back); err != nil || !known {
		f.back = position{} // then the mirror turns by a copy
		return err
	}
	return f.transfer.to.unfence(ctx)
}

// resume goes on after a cutover that was called off.
func (f *follower) resume() {
	f.resting = false
	f.dropReverse()
}

func (f *follower) dropReverse() {
	if f.reverse != nil {
		f.reverse.close()
		f.reverse = nil
	}
}

// leave ends the following after a cutover, and returns what a mirror the other way round goes on with: nil where it
// has to begin by a copy. Fenced says why the source is not fenced, if it was to be.
func (f *follower) leave(ctx context.Context, fencing bool) (h *handover, late []string, unfenced error) {
	if fencing {
		unfenced = f.transfer.from.fence(ctx, f.transfer.to)
	}
	if unfenced == nil && fencing {
		unfenced = f.watch.login()
	}
	keys, all, err := f.watch.strays()
	if err != nil || all || f.back.id == "" || f.reverse == nil {
		return nil, keys, errors.Join(unfenced, err)
	}
	late, err = f.stillThere(keys)
	if err != nil {
		return nil, keys, errors.Join(unfenced, err)
	}
	h = &handover{transfer: f.transfer.reversed(), to: f.watch, link: f.reverse, at: f.back, late: keys}
	f.watch, f.reverse, f.left = nil, nil, true
	return h, late, unfenced
}

// stillThere leaves out keys that have merely come to their end on the source.
func (f *follower) stillThere(keys []string) (there []string, err error) {
	if len(keys) == 0 {
		return nil, nil
	}
	source, err := f.readEnds(f.from, keys)
	if err != nil {
		return nil, err
	}
	target, err := f.readEnds(f.sight.to, keys)
	for _, key := range keys {
		if source.ends[key] != noKey || target.ends[key] == never {
			there = append(there, key)
		}
	}
	return there, err
}

// reversed is the same two servers the other way round.
func (t *transfer) reversed() *transfer {
	r := &transfer{keys: t.keys, from: t.to, to: t.from, pairs: t.pairs, log: t.log}
	r.payloads.Store(true)
	return r
}

// mirrored is the transfer of a mirror: all but the last moments have been copied before. It satisfies deploy.Transfer.
type mirrored struct {
	mirror  *mirror
	instead *transfer // an ordinary one, where the mirror turned out to be impossible
	begun   bool      // the mirror has been prepared, and not turned
}

// brokenFor is how long a transfer waits for a mirror that broke to come back.
const brokenFor = 10 * time.Second

// Copy waits until the mirror is in step, and prepares it for the cutover.
func (t *mirrored) Copy(ctx context.Context, progress func(deploy.CopyProgress)) (deploy.CopyReport, error) {
	began := time.Now()
	for {
		err := t.mirror.awaitStep(ctx, progress)
		if errors.Is(err, errCannot) {
			return t.copyInstead(ctx, progress)
		}
		if err == nil {
			t.begun = true
			err = t.mirror.ask(ctx, func(f *follower) error { return f.prepare(ctx) })
		}
		if err == nil {
			return deploy.CopyReport{Took: time.Since(began)}, nil
		}
		// What breaks meanwhile comes back by itself, or the mirror says that it is broken.
		if isReply(err) || ctx.Err() != nil || errors.Is(err, errMirrorOver) || time.Since(began) > brokenFor {
			return deploy.CopyReport{}, hinted(fmt.Errorf("prepare the mirror for the cutover: %w", err))
		}
	}
}

func (t *mirrored) copyInstead(ctx context.Context, progress func(deploy.CopyProgress)) (deploy.CopyReport, error) {
	plain, err := t.mirror.data.plain(ctx, t.mirror.from, t.mirror.to)
	if err != nil {
		return deploy.CopyReport{}, err
	}
	t.instead = plain
	return plain.Copy(ctx, progress)
}

// awaitStep waits until the mirror is in step.
func (m *mirror) awaitStep(ctx context.Context, progress func(deploy.CopyProgress)) error {
	tick := time.NewTicker(progressInterval)
	defer tick.Stop()
	for {
		status, changed := m.standing()
		switch {
		case status.State == deploy.MirrorInStep:
			return nil
		case status.State == deploy.MirrorImpossible:
			return errCannot
		case status.State == deploy.MirrorBroken && time.Since(status.Since) > brokenFor:
			return &deploy.HintedError{Err: fmt.Errorf("the mirror from %s to %s is broken: %s", m.from, m.to, status.Reason), Next: status.Next}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the mirror from %s to %s did not come in step: it is %s: %w", m.from, m.to, status.State, context.Cause(ctx))
		case <-m.over:
			return errMirrorOver
		case <-changed:
		case <-tick.C:
			if s := m.now(); progress != nil && s.State == deploy.MirrorCopying {
				progress(deploy.CopyProgress{Keys: s.Copied, KeysTotal: s.Found})
			}
		}
	}
}

// Settle brings the last moments over, and compares what they touched.
func (t *mirrored) Settle(ctx context.Context) (deploy.CopyReport, error) {
	if t.instead != nil {
		return t.instead.Settle(ctx)
	}
	began, compared := time.Now(), 0
	t.begun = true
	err := t.mirror.ask(ctx, func(f *follower) (err error) {
		compared, err = f.settle(ctx)
		return err
	})
	if err != nil {
		err = hinted(fmt.Errorf("settle keys: %w", err))
	}
	return deploy.CopyReport{Keys: int64(compared), Compared: int64(compared), Took: time.Since(began)}, err
}

// Turn fences the source and turns the mirror round.
func (t *mirrored) Turn(ctx context.Context) (late []string, err error) {
	if t.instead != nil {
		return t.instead.Turn(ctx)
	}
	m := t.mirror
	t.begun = false
	var h *handover
	var unfenced error
	err = m.ask(ctx, func(f *follower) error {
		h, late, unfenced = f.leave(ctx, m.data.Fencing)
		return nil
	})
	err = errors.Join(err, m.data.turned(m, h, unfenced))
	if err != nil {
		err = hinted(fmt.Errorf("turn the mirror: %w", err))
	}
	return late, err
}

// Close lets the mirror go on.
func (t *mirrored) Close() error {
	if t.instead != nil {
		return t.instead.Close()
	}
	if !t.begun {
		return nil
	}
	t.begun = false
	ctx, cancel := context.WithTimeout(context.Background(), cleanupTimeout)
	defer cancel()
	err := t.mirror.ask(ctx, func(f *follower) error {
		f.resume()
		return nil
	})
	if errors.Is(err, errMirrorOver) || errors.Is(err, context.DeadlineExceeded) {
		return nil // it begins anew anyway
	}
	return err
}
