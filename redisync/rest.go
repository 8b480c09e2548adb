package redisync

import (
	"context"
	"errors"

	"verdigris/deploy"
)

// errResting ends a copy that must not go on.
var errResting = errors.New("the mirror rests")

// Rest keeps the mirror from writing to the standby, for a reason that Mirrored tells, until it is called without one. A
// copy that is under way ends, and begins again afterwards; what a mirror in step has not carried out yet waits.
func (d *Data) Rest(reason string) { d.rest.set(reason) }

// awaitRest waits until the mirror may write.
func (m *mirror) awaitRest(ctx context.Context) error {
	for {
		why, changed := m.data.rest.now()
		if why == "" {
			return nil
		}
		m.paused(why)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
		}
	}
}

// cancelAtRest calls cancel when the mirror must not write any more, until the returned function is called.
func (m *mirror) cancelAtRest(cancel context.CancelCauseFunc) (stop func()) {
	over := make(chan struct{})
	go func() {
		for {
			why, changed := m.data.rest.now()
			if why != "" {
				cancel(errResting)
				return
			}
			select {
			case <-over:
				return
			case <-changed:
			}
		}
	}()
	return func() { close(over) }
}

// paused notes why the mirror rests.
func (m *mirror) paused(why string) {
	m.set(func(s *deploy.MirrorStatus) {
		if s.State != deploy.MirrorPaused {
			m.data.Log.Warn("mirror", "state", deploy.MirrorPaused, "from", m.from, "to", m.to, "reason", why)
		}
		s.State, s.Reason, s.Next = deploy.MirrorPaused, why, "it goes on once that is certain"
		m.copying = nil
	})
}
