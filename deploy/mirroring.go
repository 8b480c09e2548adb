package deploy

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// settingMirroring is the name under which the journal keeps what people have switched.
const settingMirroring = "mirroring"

// openWithin bounds the opening of a slice's data, which requests may wait for.
const openWithin = 5 * time.Second

// Mirroring says whether the mirror of an app's data is switched on, and how it stands.
type Mirroring struct {
	On     bool         `json:"on"`
	Mirror MirrorStatus `json:"mirror"`
}

// mirrorSwitch says whether the mirror is to run. It is held for moments only, but for a switch that is being written.
type mirrorSwitch struct {
	mu      sync.Mutex
	on      bool
	carried bool // a cutover has the mirror in its hands
}

func (m *mirrorSwitch) carry(carried bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.carried = carried
}

func (m *mirrorSwitch) isOn() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.on
}

// keepMirror makes the mirror what it should be. A cutover that has it in its hands comes here when it has ended.
func (w *worker) keepMirror(ctx context.Context) {
	if w.Data == nil {
		return
	}
	w.mirror.mu.Lock()
	defer w.mirror.mu.Unlock()
	if w.mirror.carried {
		return
	}
	if !w.mirror.on {
		w.Data.Mirror("")
	}
	// Whoever asked may have gone away; what was switched is done nevertheless.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), openWithin)
	defer cancel()
	route, err := w.Router.Current(ctx)
	if err != nil {
		w.log.Error("could not see which slice is live and has a standby", "error", err)
		return
	}
	if w.mirror.on {
		w.Data.Mirror(route.Slice)
	} else {
		w.Data.LookOut(route.Slice.Other())
	}
}

// restoreMirror takes up at start what people have switched, and lets the live slice write, should a crash have come
// between its fence and its route.
func (w *worker) restoreMirror(ctx context.Context, live Slice) error {
	if w.Data == nil {
		return nil
	}
	if err := w.readMirroring(ctx); err != nil {
		return err
	}
	_ = w.openLive(ctx, live) // goes on being tried
	w.keepMirror(ctx)
	return nil
}

// readMirroring reads what people have switched; it wins over the configuration.
func (w *worker) readMirroring(ctx context.Context) error {
	w.mirror.mu.Lock()
	defer w.mirror.mu.Unlock()
	value, ok, err := w.journal.Setting(ctx, w.app.Name, settingMirroring)
	if err != nil {
		return err
	}
	if ok {
		w.mirror.on = value == onOff(true)
	}
	return nil
}

// setMirroring keeps what people want and does it at once, but for a cutover's hold on the mirror.
func (w *worker) setMirroring(ctx context.Context, req MirrorRequest) error {
	if req.From != "" {
		return w.adopt(ctx, req)
	}
	if err := w.writeMirroring(ctx, req.On); err != nil {
		return err
	}
	w.log.Info("mirroring was switched", "to", onOff(req.On))
	w.keepMirror(ctx)
	return nil
}

// adopt has the mirror begin anew from the data that a person has decided for.
func (w *worker) adopt(ctx context.Context, req MirrorRequest) error {
	switch {
	case !req.From.Production():
		return &InputError{Reason: fmt.Sprintf("the data that is the right one is that of blue or green, not of %q", req.From)}
	case !req.On:
		return &InputError{Reason: "a mirror that is switched off begins from nobody"}
	}
	if !w.lockBetween(ctx) {
		return &ConflictError{Reason: "an operation is under way", Next: "decide for a slice's data when it has ended"}
	}
	defer w.operation.Unlock()
	if err := w.writeMirroring(ctx, true); err != nil {
		return err
	}
	w.log.Warn("a person has decided whose data is the right one", "from", req.From)
	w.Data.Adopt(req.From)
	w.keepMirror(ctx)
	return nil
}

func (w *worker) writeMirroring(ctx context.Context, on bool) error {
	w.mirror.mu.Lock()
	defer w.mirror.mu.Unlock()
	if err := w.journal.SetSetting(ctx, w.app.Name, settingMirroring, onOff(on)); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	w.mirror.on = on
	return nil
}

// stopMirroring ends the mirror until a person switches it on again: the standby has what the live slice lacks.
func (r *run) stopMirroring(ctx context.Context) {
	if !r.mirror.isOn() {
		return
	}
	r.unmirrored = true
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), journalTimeout)
	defer cancel()
	if err := r.writeMirroring(ctx, false); err != nil {
		r.worker.log.Error("could not keep that mirroring is off", "deployment", r.d.ID, "error", err)
		r.mirror.mu.Lock()
		r.mirror.on = false
		r.mirror.mu.Unlock()
	}
	r.Data.Mirror("")
}

// openData lets a production slice's app write to its data, should a cutover have fenced it.
func (w *worker) openData(ctx context.Context, slice Slice) error {
	if w.Data == nil || !slice.Production() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	w.opening.Lock()
	defer w.opening.Unlock()
	if err := w.Data.Open(ctx, slice); err != nil {
		return fmt.Errorf("let %s write to its data: %w", slice, err)
	}
	return nil
}

// openLive opens the data of the slice that is live, or about to be. While the slice is followed, that goes on being tried:
// nobody else would let its app write again.
func (w *worker) openLive(ctx context.Context, live Slice) error {
	err := w.openData(ctx, live)
	if err != nil && !w.shut.Load() {
		w.log.Error("could not see to it that the live slice may write", "slice", live, "error", err)
	}
	w.shut.Store(err != nil)
	return err
}

// openAgain does so again, where it has failed. An operation fences and opens by itself.
func (w *worker) openAgain(ctx context.Context) {
	if !w.shut.Load() || !w.operation.TryLock() {
		return
	}
	defer w.operation.Unlock()
	route, err := w.Router.Current(ctx)
	if err == nil && w.openLive(ctx, route.Slice) == nil {
		w.log.Info("the live slice may write again", "slice", route.Slice)
	}
}

// keepFence has the slice fenced that the traffic has left, for as long as it runs what it ran then: a new release there may
// write while it gets ready. A start that failed has opened it, a crash may have come before its fence.
func (w *worker) keepFence(ctx context.Context, route Route) {
	if w.Data == nil || route.Previous == "" || route.PreviousCommit == "" {
		return
	}
	observed, err := w.Runtime.Observe(ctx, route.Previous)
	if err != nil || observed.Commit != route.PreviousCommit {
		return
	}
	w.opening.Lock()
	defer w.opening.Unlock()
	if running, _ := w.queue.snapshot(); running == nil { // an operation opens and fences as it needs
		w.Data.Fence(route.Previous)
	}
}

// mirroring says how the mirror stands. It asks nobody else, so that it can be asked often.
func (w *worker) mirroring() (Mirroring, error) {
	if w.Data == nil {
		return Mirroring{}, &ConflictError{
			Reason: fmt.Sprintf("%s has no data to mirror", w.app.Name),
			Next:   "name the redis keys that move with the traffic under data in verdigris.yml",
		}
	}
	return Mirroring{On: w.mirror.isOn(), Mirror: w.Data.Mirrored()}, nil
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}
