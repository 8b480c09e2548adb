package deploy

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// A start sets aside what ran on the slice before, until the release has passed its probe: what ran may be where a rollback
// goes, and a bad push, or a bad value in an env file, must not cost the way back. The journal says which of the two is to
// stay, so that a start that was cut off is finished or undone when verdigris starts again.

// revertWithin bounds the removal of a release that did not get ready; what it replaced is started in the time of a start.
const revertWithin = time.Minute

// revert takes away a release that did not get ready, and brings back what ran on the slice before. It is done even when
// verdigris is being stopped.
func (r *run) revert(ctx context.Context, before SliceStatus) {
	err := r.undoStart(context.WithoutCancel(ctx), r.d.Slice, r.d.ID, r.logTo(PhaseStart))
	if err == nil {
		return
	}
	r.worker.log.Error("could not undo a start", "deployment", r.d.ID, "slice", r.d.Slice, "error", err)
	r.untidy.Store(true)
	if before.Running() {
		r.replaced, r.notBack = before.Commit, err
	}
}

// discard removes what the release has replaced, now that it has proven itself. What cannot be removed is tried again.
func (r *run) discard(ctx context.Context) {
	if err := r.Runtime.Discard(ctx, r.d.Slice, r.logTo(PhaseProbe)); err != nil {
		r.worker.log.Warn("could not remove what the release has replaced", "deployment", r.d.ID, "slice", r.d.Slice, "error", err)
		r.untidy.Store(true)
	}
}

func (w *worker) undoStart(ctx context.Context, slice Slice, deployment int64, log Log) error {
	ctx, cancel := context.WithTimeout(ctx, revertWithin+w.app.Timeouts.Start)
	defer cancel()
	return w.Runtime.Revert(ctx, slice, deployment, log)
}

// tidy finishes or undoes the starts that were left half-way. It must not be called beside an operation.
func (w *worker) tidy(ctx context.Context) error {
	for _, slice := range w.app.Slices {
		if err := w.tidySlice(ctx, slice); err != nil {
			return fmt.Errorf("put %s in order: %w", slice, err)
		}
	}
	w.untidy.Store(false)
	return nil
}

func (w *worker) tidySlice(ctx context.Context, slice Slice) error {
	route, err := w.Router.Current(ctx)
	if err != nil {
		return err
	}
	recent, err := w.journal.List(ctx, w.app.Name, 0)
	if err != nil {
		return err
	}
	log := func(line string, _ ...Step) { w.log.Info("putting a slice in order", "slice", slice, "progress", line) }
	deployment, proven := lastOn(slice, recent)
	if proven || slice == route.Slice {
		return w.Runtime.Discard(ctx, slice, log)
	}
	return w.undoStart(ctx, slice, deployment, log)
}

// tidyAgain tries again what could not be put in order, unless an operation is under way: it leaves order itself.
func (w *worker) tidyAgain(ctx context.Context) {
	if !w.untidy.Load() || !w.operation.TryLock() {
		return
	}
	defer w.operation.Unlock()
	if err := w.tidy(ctx); err != nil {
		w.log.Error("could not put the slices in order; this goes on being tried", "error", err)
	}
}

// lastOn names the newest deployment that has started something on the slice, or has found it good, and reports whether what
// runs there since has passed a probe. The deployments come newest first.
func lastOn(slice Slice, recent []Deployment) (id int64, proven bool) {
	for _, d := range recent {
		if d.Slice != slice {
			continue
		}
		switch {
		case d.reached(PhaseProbe, PhaseDone):
			return d.ID, true
		case d.reached(PhaseStart, PhaseRunning, PhaseDone, PhaseFailed):
			return d.ID, false
		}
	}
	return 0, false
}

// reached reports whether the deployment has that phase, in one of the states.
func (d Deployment) reached(p Phase, states ...PhaseState) bool {
	return slices.ContainsFunc(d.Phases, func(r PhaseRecord) bool { return r.Phase == p && slices.Contains(states, r.State) })
}
