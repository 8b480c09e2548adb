package deploy

import "time"

func (r *run) begin(p Phase) (int, error) {
	record := PhaseRecord{Phase: p, State: PhaseRunning, StartedAt: time.Now().UTC()}
	r.mu.Lock()
	r.d.Phases = append(r.d.Phases, record)
	i := len(r.d.Phases) - 1
	r.mu.Unlock()
	// A phase that cannot be written down does not begin, but past the point of no return standing still would be
	// worse: requests would wait on, and a release that fails stay live.
	if err := r.saveBeginning(); err != nil {
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
	if err := r.saveEnd(); err != nil {
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
