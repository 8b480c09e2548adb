package redisync

import (
	"errors"
	"fmt"
	"time"

	"verdigris/deploy"
)

// set changes the status; who waits for another state hears of it.
func (m *mirror) set(change func(*deploy.MirrorStatus)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.status.State
	change(&m.status)
	switch m.status.State {
	case deploy.MirrorCopying, deploy.MirrorInStep:
		m.data.follows.set(true)
	case deploy.MirrorImpossible:
		m.data.follows.set(false)
	}
	if m.status.State != before {
		m.status.Since = time.Now().UTC()
		close(m.changed)
		m.changed = make(chan struct{})
	}
}

// enter comes into a state in which nothing is wrong.
func (m *mirror) enter(state deploy.MirrorState) {
	m.set(func(s *deploy.MirrorStatus) {
		if s.State != state {
			m.data.Log.Info("mirror", "state", state, "from", m.from, "to", m.to)
		}
		s.State, s.Reason, s.Next = state, "", ""
		m.copying = nil
	})
}

func (m *mirror) enterCopy(run *pass) {
	m.enter(deploy.MirrorCopying)
	m.set(func(s *deploy.MirrorStatus) {
		s.Resyncs++
		m.copying = run
	})
}

// blocked notes why the standby takes no writes.
func (m *mirror) blocked(err error) {
	m.broke(fmt.Errorf("the standby takes no writes: %w", err))
}

// broke notes why the mirror does not follow.
func (m *mirror) broke(err error) {
	state := deploy.MirrorBroken
	if errors.Is(err, errCannot) {
		state = deploy.MirrorImpossible
	}
	err = hinted(err)
	next := "it is tried again by itself"
	if h := (*deploy.HintedError)(nil); errors.As(err, &h) {
		next = h.Next
	}
	m.set(func(s *deploy.MirrorStatus) {
		if s.State != state || s.Reason != err.Error() {
			m.data.Log.Warn("mirror", "state", state, "from", m.from, "to", m.to, "error", err)
		}
		s.State, s.Reason, s.Next = state, err.Error(), next
		m.copying = nil
	})
}

// strayed notes what others wrote on the standby.
func (m *mirror) strayed(keys []string) {
	if len(keys) == 0 {
		return
	}
	m.data.Log.Warn("the standby wrote selected keys by itself; the live slice's values took their place", "slice", m.to, "keys", firstFew(keys))
	m.set(func(s *deploy.MirrorStatus) { s.Strays = noteStrays(s.Strays, m.to, keys) })
}

func firstFew(keys []string) []string {
	var few []string
	for _, key := range keys[:min(len(keys), shownKeys)] {
		few = append(few, shown(key))
	}
	return few
}

// now is the status with its numbers as they are at this moment.
func (m *mirror) now() deploy.MirrorStatus {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.status
	if c := m.copying; c != nil {
		s.Copied, s.Found = c.done.Load(), c.found.Load()
	}
	if f := m.active; f != nil {
		bytes, since := f.link.spool.waiting()
		lag := time.Duration(f.lag.Load())
		if bytes > 0 {
			lag = max(lag, time.Since(since))
		}
		s.Behind, s.LagMS = bytes, float64(lag.Microseconds())/1000
	}
	return s
}

// standing returns the status, and what is closed when its state changes.
func (m *mirror) standing() (deploy.MirrorStatus, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.status, m.changed
}
