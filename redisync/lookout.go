package redisync

import (
	"context"
	"errors"
	"time"

	"verdigris/deploy"
)

// lookout watches the redis of the slice that is not live, while no mirror does: what is written there is not lost
// silently. A connection that broke is made anew.
type lookout struct {
	slice  deploy.Slice
	data   *Data
	cancel context.CancelFunc
	over   chan struct{}

	lifted time.Time // when the live slice was last looked at
	seen   time.Time // until when nothing has escaped it
	keys   []string  // that it was told of by a connection that broke
	all    bool      // they may be any
}

// startLookout begins to watch a slice, by a connection that is told of writes already if there is one.
func (d *Data) startLookout(slice deploy.Slice, watch *conn) *lookout {
	ctx, cancel := context.WithCancel(context.Background())
	l := &lookout{slice: slice, data: d, cancel: cancel, over: make(chan struct{}), seen: time.Now()}
	go func() {
		defer close(l.over)
		l.run(ctx, watch)
	}()
	return l
}

// close ends the lookout and waits until it has.
func (l *lookout) close() {
	l.cancel()
	<-l.over
}

// run watches until ctx ends.
func (l *lookout) run(ctx context.Context, watch *conn) {
	var again retries
	for ctx.Err() == nil {
		if watch == nil && !l.data.awaitNoMirror(ctx) {
			return
		}
		began := time.Now()
		l.lift(ctx)
		err := l.look(ctx, watch)
		watch = nil
		if err == nil || ctx.Err() != nil {
			continue
		}
		l.data.late.lost(l.slice, l.seen, err, l.data.Log)
		again.lasted(began)
		_ = again.wait(ctx)
	}
	if watch != nil {
		watch.close()
	}
}

// awaitNoMirror waits until no mirror sees to the standby. It returns false when ctx ended first.
func (d *Data) awaitNoMirror(ctx context.Context) bool {
	for {
		follows, changed := d.follows.now()
		if !follows {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-changed:
		}
	}
}

// look watches by one connection until that breaks, or a mirror takes over.
func (l *lookout) look(ctx context.Context, watch *conn) (err error) {
	if watch == nil {
		if watch, err = l.data.listen(ctx, l.slice); err != nil {
			return err
		}
	}
	defer watch.close()
	defer context.AfterFunc(ctx, func() { watch.tcp.Close() })() // it may have been made to outlive a transfer
	watch.told.giveBack(l.keys, l.all)
	l.keys, l.all = nil, false
	l.data.late.found(l.slice, l.data.Log)
	for ctx.Err() == nil {
		if err := l.ask(ctx, watch); err != nil {
			l.keys, l.all = watch.told.take()
			return err
		}
		l.seen = time.Now()
		if l.data.follows.get() {
			return nil
		}
		if l.data.fencing.wants(l.slice) {
			if err := l.data.fenceAlone(ctx, l.slice); err != nil {
				l.data.Log.Warn("could not fence the slice that the traffic has left again", "slice", l.slice, "error", err)
			}
		}
		if time.Since(l.lifted) > liftEvery {
			l.lift(ctx)
		}
		_ = pause(ctx, tendEvery)
	}
	return nil
}

// liftEvery is how often the live slice is looked at that no mirror comes from.
const liftEvery = 5 * time.Second

// lift sees to it that the app of the live slice may write, as a mirror does when it begins.
func (l *lookout) lift(ctx context.Context) {
	l.lifted = time.Now()
	s, err := l.data.openWithin(ctx, l.slice.Other(), l.data.DialTimeout)
	if err == nil {
		defer s.client.Close()
		err = l.data.liftLeftover(ctx, s)
	}
	if err != nil && ctx.Err() == nil {
		l.data.Log.Debug("could not look whether the live slice is fenced", "slice", l.slice.Other(), "error", err)
	}
}

// ask notes what was written since it was last asked. A mirror that follows by now has written that, or sees to it.
func (l *lookout) ask(ctx context.Context, watch *conn) error {
	keys, all, err := watch.strays()
	if err != nil || l.data.follows.get() {
		return err
	}
	written, err := l.data.written(ctx, watch, keys)
	if err != nil {
		watch.told.giveBack(keys, all)
		return err
	}
	if all {
		written = append(written, allStrays)
	}
	l.data.late.note(l.slice, written, l.data.Log)
	return nil
}

// errSameServer means that the slices have databases of one server.
var errSameServer = errors.New("both slices are on the same server, which does not tell in which of its databases was written")

// listen connects to a slice's redis, and has it tell of writes. It takes a few seconds at most: others may wait for its
// end, and not all of it ends with ctx.
func (d *Data) listen(ctx context.Context, slice deploy.Slice) (*conn, error) {
	s, err := d.openWithin(ctx, slice, d.DialTimeout)
	if err != nil {
		return nil, err
	}
	defer func() { s.client.Close() }()
	c, err := s.dial(ctx)
	if err != nil {
		return nil, err
	}
	if err = c.learn(); err == nil {
		err = c.passFence()
	}
	if err == nil {
		d.fencing.found(slice, s.fenced)
		err = d.requireApart(ctx, s)
	}
	if err == nil {
		err = c.track(d.keys)
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// requireApart returns errSameServer if the other slice is on that server too. If the other one does not answer, it is not.
func (d *Data) requireApart(ctx context.Context, s *server) error {
	c, err := d.call(ctx, s.slice.Other())
	if err != nil {
		return nil
	}
	defer c.close()
	if c.learn() == nil && c.side.info["run_id"] == s.info["run_id"] {
		return s.fail(ctx, errSameServer)
	}
	return nil
}

// written leaves out keys that have merely come to their end. Where the live slice cannot be asked all of them count.
func (d *Data) written(ctx context.Context, watch *conn, keys []string) ([]string, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	live, err := d.call(ctx, watch.side.slice.Other())
	if err != nil {
		return keys, nil
	}
	defer live.close()
	return stillThere(watch, live, keys)
}

// call connects to a slice's redis, for a few questions.
func (d *Data) call(ctx context.Context, slice deploy.Slice) (*conn, error) {
	s, err := d.openWithin(ctx, slice, d.DialTimeout)
	if err != nil {
		return nil, err
	}
	s.client.Close()
	return s.dial(ctx)
}

// stillThere leaves out keys that have merely come to their end on the slice that the traffic has left: that are gone there,
// and on the live one are gone as well or are to end.
func stillThere(left, live *conn, keys []string) (there []string, err error) {
	if len(keys) == 0 {
		return nil, nil
	}
	here, err := left.ends(keys)
	if err != nil {
		return nil, err
	}
	lasting, err := live.ends(keys)
	if err != nil {
		return nil, err
	}
	for i, key := range keys {
		if here[i] != noKey || lasting[i] == never {
			there = append(there, key)
		}
	}
	return there, nil
}
