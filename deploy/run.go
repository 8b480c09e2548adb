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

	mu  sync.Mutex // guards d and seq: log lines come from several goroutines
	d   Deployment
	seq int64

	fate fate
	lost error // why data could not be carried back on the way back
	// replaced is what ran on the slice before and could not be brought back when this release failed on it.
	replaced Commit
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

func (r *run) begin(p Phase) (int, error) {
	record := PhaseRecord{Phase: p, State: PhaseRunning, StartedAt: time.Now().UTC()}
	r.mu.Lock()
	r.d.Phases = append(r.d.Phases, record)
	i := len(r.d.Phases) - 1
	r.mu.Unlock()
	// A phase that cannot be written down does not begin, but past the point of no return standing still would be
	// worse: requests would wait on, and a release that fails stay live.
	if err := r.save(); err != nil {
		if r.fate == untouched {
			return i, err
		}
		r.worker.log.Error("could not write the beginning of a phase", "deployment", r.d.ID, "phase", p, "error", err)
	}
	r.emit(Event{Type: EventPhase, Phase: p, Record: &record})
	return i, nil
}

func (r *run) finish(i int, detail string, err error) {
	r.mu.Lock()
	record := &r.d.Phases[i]
	record.EndedAt, record.Detail, record.State = time.Now().UTC(), detail, PhaseDone
	if err != nil {
		record.State, record.Error = PhaseFailed, err.Error()
	}
	told := *record
	r.mu.Unlock()
	if err := r.save(); err != nil {
		r.worker.log.Error("could not write the end of a phase", "deployment", r.d.ID, "phase", told.Phase, "error", err)
	}
	r.emit(Event{Type: EventPhase, Phase: told.Phase, Record: &told})
}

// end writes the last word on the deployment: first the record, then the event, so that who hears of the end
// reads the final record. The error is the journal's; everybody has been told nevertheless.
func (r *run) end(state State, failure *Failure) error {
	r.mu.Lock()
	r.d.State, r.d.Error, r.d.EndedAt = state, failure, time.Now().UTC()
	d := r.d
	r.mu.Unlock()
	err := r.save()
	r.emit(Event{Type: EventState, State: state})
	if r.control.OnEnd != nil {
		r.control.OnEnd(d)
	}
	attributes := []any{"deployment", d.ID, "kind", d.Kind, "slice", d.Slice, "commit", d.Commit.Short(), "state", state}
	if failure != nil {
		attributes = append(attributes, "phase", failure.Phase, "reason", failure.Reason)
	}
	r.worker.log.Info("deployment ended", attributes...)
	return err
}

func (r *run) save() error {
	ctx, cancel := context.WithTimeout(r.journalCtx, journalTimeout)
	defer cancel()
	r.mu.Lock()
	d := r.d
	d.Phases = append([]PhaseRecord{}, r.d.Phases...)
	r.mu.Unlock()
	if !d.State.Ended() {
		r.queue.update(d)
	}
	if err := r.journal.Save(ctx, d); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return nil
}

// emit numbers an event, stores it and wakes its readers. An event that cannot be stored is lost to readers but
// stops nothing: the record is what counts.
func (r *run) emit(e Event) {
	ctx, cancel := context.WithTimeout(r.journalCtx, journalTimeout)
	defer cancel()
	r.mu.Lock()
	r.seq++
	e.Deployment, e.Seq, e.Time = r.d.ID, r.seq, time.Now().UTC()
	err := r.journal.Append(ctx, e) // under the lock: events are stored in the order of their numbers
	r.mu.Unlock()
	if err != nil {
		r.worker.log.Warn("could not store an event", "deployment", e.Deployment, "error", err)
	}
	r.control.hub.ring(e.Deployment)
}

// logTo returns a Log whose lines become events of the phase.
func (r *run) logTo(p Phase) Log {
	return func(line string, about ...Step) {
		e := Event{Type: EventLog, Phase: p, Message: line}
		if len(about) > 0 {
			e.Step = &about[0]
		}
		r.emit(e)
	}
}

func (r *run) progress(p Phase, message string) {
	r.emit(Event{Type: EventProgress, Phase: p, Message: message})
}
