package redisync

import (
	"context"
	"errors"
	"fmt"
	"time"

	"verdigris/deploy"
)

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
	if t.instead != nil {
		return t.instead.Copy(ctx, progress)
	}
	began := time.Now()
	for {
		err := t.mirror.awaitStep(ctx, progress)
		if errors.Is(err, errCannot) {
			return t.copyInstead(ctx, progress)
		}
		if err == nil {
			t.begun = true
			_, err = ask(ctx, t.mirror, func(f *follower) (struct{}, error) { return struct{}{}, f.prepare(ctx) })
		}
		if err == nil {
			return deploy.CopyReport{Mirrored: true, Took: time.Since(began)}, nil
		}
		// What breaks meanwhile comes back by itself, or the mirror says that it is broken.
		if isReply(err) && !startedAnew(err) || ctx.Err() != nil || errors.Is(err, errMirrorOver) || time.Since(began) > brokenFor {
			return deploy.CopyReport{}, hinted(fmt.Errorf("prepare the mirror for the cutover: %w", err))
		}
		_ = pause(ctx, retryFirst) // that it has ended is what the next attempt finds
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
		case status.State == deploy.MirrorPaused && time.Since(status.Since) > brokenFor:
			return &deploy.HintedError{Err: fmt.Errorf("the mirror from %s to %s rests: %s", m.from, m.to, status.Reason), Next: "verdigris doctor looks at the router"}
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
	began := time.Now()
	t.begun = true
	compared, err := ask(ctx, t.mirror, func(f *follower) (int, error) { return f.settle(ctx) })
	if err != nil {
		err = hinted(fmt.Errorf("settle keys: %w", err))
	} else {
		t.mirror.data.fencing.opened(t.mirror.to)
	}
	return deploy.CopyReport{Mirrored: true, Compared: int64(compared), Took: time.Since(began)}, err
}

// Turn fences the source and turns the mirror round.
func (t *mirrored) Turn(ctx context.Context) (late []string, err error) {
	if t.instead != nil {
		return t.instead.Turn(ctx)
	}
	m := t.mirror
	t.begun = false
	left, err := ask(ctx, m, func(f *follower) (departure, error) { return m.leave(ctx, f), nil })
	if err = errors.Join(err, left.lost, m.data.turned(m, left)); err != nil {
		err = hinted(fmt.Errorf("turn the mirror: %w", err))
	}
	return left.late, err
}

// Close lets the mirror go on. A mirror that is busy hears of it as soon as it is not, and before anything that is asked
// of it later.
func (t *mirrored) Close() error {
	if t.instead != nil {
		return t.instead.Close()
	}
	if !t.begun {
		return nil
	}
	t.begun = false
	resumed := make(chan struct{})
	go func() {
		defer close(resumed)
		_, _ = ask(context.Background(), t.mirror, func(f *follower) (struct{}, error) { // fails where the mirror is over
			f.resume()
			return struct{}{}, nil
		})
	}()
	select {
	case <-resumed:
	case <-time.After(cleanupTimeout):
	}
	return nil
}
