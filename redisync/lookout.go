package redisync

import (
	"context"
	"time"

	"verdigris/deploy"
)

// lookout watches the redis of the slice that is not live, where no mirror does: what is written there is not lost
// silently. A connection that broke is made anew.
type lookout struct {
	slice  deploy.Slice
	data   *Data
	cancel context.CancelFunc
	over   chan struct{}
}

// startLookout begins to watch a slice, by a connection that is told of writes already if there is one.
func (d *Data) startLookout(slice deploy.Slice, told *conn) *lookout {
	ctx, cancel := context.WithCancel(context.Background())
	l := &lookout{slice: slice, data: d, cancel: cancel, over: make(chan struct{})}
	go func() {
		defer close(l.over)
		l.run(ctx, told)
	}()
	return l
}

// close ends the lookout and waits until it has.
func (l *lookout) close() {
	l.cancel()
	<-l.over
}

// run watches until ctx ends.
func (l *lookout) run(ctx context.Context, told *conn) {
	pause := retryFirst
	for {
		began := time.Now()
		err := l.look(ctx, told)
		told = nil
		if ctx.Err() != nil {
			return
		}
		l.data.late.lost(l.slice, err, l.data.Log)
		if time.Since(began) > retryMost {
			pause = retryFirst
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
			pause = min(2*pause, retryMost)
		}
	}
}

// look watches by one connection until that breaks.
func (l *lookout) look(ctx context.Context, c *conn) (err error) {
	if c == nil {
		if c, err = l.data.listen(ctx, l.slice); err != nil {
			return err
		}
	}
	defer c.close()
	defer context.AfterFunc(ctx, func() { c.tcp.Close() })() // it may have been made to outlive a transfer
	l.data.late.found(l.slice, l.data.Log)
	for {
		keys, all, err := c.strays()
		if err != nil {
			return err
		}
		if all {
			keys = append(keys, allStrays)
		}
		l.data.late.note(l.slice, keys, l.data.Log)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(tendEvery):
		}
	}
}

// listen connects to a slice's redis, and has it tell of writes.
func (d *Data) listen(ctx context.Context, slice deploy.Slice) (*conn, error) {
	s, err := d.open(ctx, slice)
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
		err = c.track(d.keys)
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}
