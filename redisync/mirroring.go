package redisync

import (
	"context"
	"fmt"
	"time"

	"verdigris/deploy"
)

// Mirror keeps the standby of live in step with it, in the background and in the place of any mirror before. A mirror of
// that direction goes on as it is; an empty slice ends it. While a transfer has the data to itself the mirror waits.
func (d *Data) Mirror(live deploy.Slice) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.live = live
	d.lookOut(live.Other(), false)
	d.apply()
}

// LookOut tells in Mirrored of writes to a slice that is not live, in the background, while there is no mirror to take
// them back. It rests while a transfer has the data to itself, which may write there. An empty slice ends it.
func (d *Data) LookOut(standby deploy.Slice) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lookOut(standby, false)
	d.apply()
}

// lookOut is called with mu held. That a slice which was seen is not seen any more is worth telling.
func (d *Data) lookOut(standby deploy.Slice, seen bool) {
	if d.standby != standby {
		d.standby = standby
		d.late.reset(seen)
	}
}

// apply starts and ends the mirror and the lookout as they ought to be. It is called with mu held.
func (d *Data) apply() {
	d.applyMirror()
	d.applyLookout()
}

func (d *Data) applyMirror() {
	want := d.live
	if d.suspended > 0 {
		want = ""
	}
	old := d.mirror
	if old != nil && old.from == want {
		return
	}
	d.mirror = nil
	switch {
	case want != "":
		d.mirror = d.startMirror(want, old)
	case old != nil:
		old.close()
		d.follows.set(false)
	}
}

func (d *Data) applyLookout() {
	want := d.standby
	if d.suspended > 0 {
		want = ""
	}
	if d.lookout != nil && d.lookout.slice != want {
		d.lookout.close()
		d.lookout = nil
	}
	if want != "" && d.lookout == nil {
		d.lookout = d.startLookout(want, nil)
	}
}

// mirrorOf returns the mirror that follows a slice, or nil.
func (d *Data) mirrorOf(from deploy.Slice) *mirror {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mirror == nil || d.mirror.from != from {
		return nil
	}
	return d.mirror
}

// usable reports whether the mirror is in step, or on its way there.
func (m *mirror) usable() bool {
	switch status, _ := m.standing(); status.State {
	case deploy.MirrorInStep, deploy.MirrorCopying, deploy.MirrorConnecting, deploy.MirrorPaused:
		return true
	default:
		return false
	}
}

// suspend lets no mirror run until release.
func (d *Data) suspend() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.suspended++
	d.apply()
}

func (d *Data) release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.suspended--
	d.apply()
}

// turned follows the traffic: the mirror is followed by one the other way round, unless it was switched off meanwhile.
func (d *Data) turned(m *mirror, left departure) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mirror == m {
		d.live = m.to
		d.lookOut(m.from, true)
		d.apply()
	}
	return d.fencing.left(m.from, left, d.Log)
}

// turnedPlain follows the traffic without a mirror.
func (d *Data) turnedPlain(t *transfer, left departure) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.live != "" {
		d.live = t.to.slice
	}
	d.lookOut(t.from.slice, true)
	switch {
	case t.watch != nil: // else a lookout begins when the transfer is closed
		d.lookout = d.startLookout(d.standby, t.watch)
		t.watch = nil
	case t.unwatched != nil:
		d.late.lost(t.from.slice, time.Now(), t.unwatched, d.Log)
	}
	return d.fencing.left(t.from.slice, left, d.Log)
}

// Mirrored says how the mirror stands.
func (d *Data) Mirrored() deploy.MirrorStatus {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := deploy.MirrorStatus{State: deploy.MirrorOff}
	if d.mirror != nil {
		s = d.mirror.now()
	}
	if d.mirror == nil || s.State == deploy.MirrorImpossible {
		d.late.tell(&s)
	}
	d.fencing.tell(&s)
	if s.Fenced != "" {
		s.LeftMayWrite = d.settings.LeftMayWrite
	}
	s.Kept = d.keptNow()
	return s
}

// Open lets the slice's own app write to its redis again, should it be fenced.
func (d *Data) Open(ctx context.Context, slice deploy.Slice) error {
	s, err := d.open(ctx, slice)
	if err != nil {
		return hinted(fmt.Errorf("open the redis of %s to its app: %w", slice, err))
	}
	defer func() { s.client.Close() }()
	if err := s.unfence(ctx); err != nil {
		return hinted(fmt.Errorf("open the redis of %s to its app: %w", slice, err))
	}
	d.fencing.opened(slice)
	return nil
}

// Estimate says how much a transfer would copy: what the selected keys take in the source's memory or, with a mirror
// in step, what the standby has yet to do.
func (d *Data) Estimate(ctx context.Context, from, to deploy.Slice) (deploy.CopyEstimate, error) {
	if m := d.mirrorOf(from); m != nil {
		if s := m.now(); s.State == deploy.MirrorInStep {
			return deploy.CopyEstimate{Bytes: s.Behind}, nil
		}
	}
	t, err := d.connect(ctx, from, to)
	if err != nil {
		return deploy.CopyEstimate{}, err
	}
	defer t.Close()
	var e deploy.CopyEstimate
	err = t.from.walk(ctx, d.keys, func(found batch) error {
		for _, size := range found.sizes {
			if size >= 0 {
				e.Keys, e.Bytes = e.Keys+1, e.Bytes+size
			}
		}
		return nil
	})
	return e, hinted(err)
}
