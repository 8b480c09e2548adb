package deploy

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// journalTimeout bounds one write to the journal. Such writes outlive the operation's context: what happened is
// written down even while verdigris is being stopped.
const journalTimeout = 10 * time.Second

// journalRetry is the pause before a write or read is tried again that nothing can go on without.
const journalRetry = time.Second

// run is one deployment being carried out: the record, and what the runbook has to remember between phases.
type run struct {
	*worker
	journalCtx context.Context

	mu     sync.Mutex // guards what follows: log lines come from several goroutines
	d      Deployment
	seq    int64
	hushed bool    // requests wait: nothing is written that can wait
	unsaid []Event // what happened meanwhile

	fate fate
	lost error // why data could not be carried back on the way back
	// answered are the endpoints of the deployment's slice that have passed the probe.
	answered []Endpoint
	// unmirrored tells that mirroring was switched off, so that it does not go over what was lost sight of.
	unmirrored bool
	// strays is how many writes of the slice that was left were known when the data had turned.
	strays int64
	// replaced is what ran on the slice before and could not be brought back when this release failed on it.
	replaced Commit
	notBack  error // why
}

// fate tells how far a deployment got, which decides what a failure is called.
type fate int

const (
	untouched fate = iota // the live slice serves as if nothing had happened
	moved                 // past the point of no return
	returned              // the traffic went and came back
)

func (w *worker) resume(ctx context.Context, d Deployment) *run {
	r := &run{worker: w, journalCtx: context.WithoutCancel(ctx), d: d}
	if events, err := w.journal.Events(r.journalCtx, d.ID, 0); err == nil && len(events) > 0 {
		r.seq = events[len(events)-1].Seq
	}
	return r
}

// execute carries out one deployment from its first phase to its last word.
func (w *worker) execute(ctx context.Context, d Deployment) {
	r := w.resume(ctx, d)
	r.d.State, r.d.StartedAt = StateRunning, time.Now().UTC()
	err := r.save()
	if err == nil {
		r.emit(Event{Type: EventState, State: StateRunning})
		err = r.runbook(ctx)
	}
	// Without its last word in the journal the deployment would never end for its readers, and be carried out once
	// more after a restart. The next one could not be written down either, so this one is insisted on.
	for err = r.end(r.verdict(ctx, err)); err != nil; err = r.save() {
		w.log.Error("could not write the end of a deployment", "deployment", d.ID, "error", err)
		if !pause(ctx, journalRetry) {
			return
		}
	}
	r.pruneAfterFailure(ctx)
}

// runbook picks the steps of the deployment's kind.
func (r *run) runbook(ctx context.Context) error {
	switch r.d.Kind {
	case KindDeploy:
		return r.deploy(ctx)
	case KindSwitch:
		return r.switchOver(ctx)
	case KindRollback:
		return r.rollBack(ctx)
	}
	return fmt.Errorf("carry out deployment %d: there is no runbook for kind %q", r.d.ID, r.d.Kind)
}

// phase carries out one phase: it is in the journal before it begins, bounded in time (0 for no bound of its own),
// and its end is told. The function returns a few words on what it did.
func (r *run) phase(ctx context.Context, p Phase, timeout time.Duration, do func(context.Context) (string, error)) error {
	i, err := r.begin(p)
	if err != nil {
		r.finish(i, "", err)
		return &phaseError{Phase: p, Err: err}
	}
	detail, err := r.within(ctx, timeout, do)
	r.finish(i, detail, err)
	if err != nil {
		return &phaseError{Phase: p, Err: err}
	}
	return nil
}

// within carries out one step in its time (0 for no bound of its own) and explains why it was cut short, if it was.
func (r *run) within(ctx context.Context, timeout time.Duration, do func(context.Context) (string, error)) (string, error) {
	bounded, cancel := ctx, context.CancelFunc(func() {})
	if timeout > 0 {
		bounded, cancel = context.WithTimeout(ctx, timeout)
	}
	defer cancel()
	detail, err := do(bounded)
	if err != nil {
		err = r.explainContext(ctx, bounded, timeout, err)
	}
	return detail, err
}

// explainContext tells a stop of verdigris from a phase that took too long.
func (r *run) explainContext(outer, bounded context.Context, timeout time.Duration, err error) error {
	switch {
	case outer.Err() != nil && errors.Is(outer.Err(), context.Canceled):
		return &HintedError{Err: fmt.Errorf("verdigris was stopped: %w", err), Next: again(r.d) + " tries again"}
	case bounded.Err() != nil && errors.Is(bounded.Err(), context.DeadlineExceeded):
		return fmt.Errorf("took longer than %s: %w", timeout.Round(time.Millisecond), err)
	}
	return err
}
