package redisync

import (
	"context"
	"sync"
	"time"

	"verdigris/deploy"
)

// lookout watches the redis of a slice that the traffic has left, where no mirror does: what is written there then is
// not lost silently.
type lookout struct {
	slice  deploy.Slice
	conn   *conn
	cancel context.CancelFunc
	over   chan struct{}

	mu     sync.Mutex
	strays *deploy.Strays
}

// lookOut begins to watch a server.
func (d *Data) lookOut(ctx context.Context, s *server) (*lookout, error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c, err := s.dial(ctx)
	if err == nil {
		err = c.track(d.keys)
	}
	if err != nil {
		cancel()
		if c != nil {
			c.close()
		}
		return nil, err
	}
	return &lookout{slice: s.slice, conn: c, cancel: cancel, over: make(chan struct{})}, nil
}

// watch notes strays until close.
func (l *lookout) watch(d *Data) {
	defer close(l.over)
	for {
		keys, all, err := l.conn.strays()
		if err != nil {
			return
		}
		if all {
			keys = append(keys, allStrays)
		}
		if len(keys) > 0 {
			d.Log.Warn("selected keys were written on a slice that is not live; those writes count no more", "slice", l.slice, "keys", firstFew(keys))
			l.mu.Lock()
			l.strays = noteStrays(l.strays, l.slice, keys)
			l.mu.Unlock()
		}
		select {
		case <-l.conn.ctx.Done():
			return
		case <-time.After(tendEvery):
		}
	}
}

func (l *lookout) seen() *deploy.Strays {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.strays
}

// close ends a lookout; watching tells whether watch was called.
func (l *lookout) close(watching bool) {
	l.cancel()
	l.conn.close()
	if watching {
		<-l.over
	}
}
