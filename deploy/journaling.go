package deploy

import (
	"context"
	"fmt"
)

// While requests wait at the gate, each write that has to reach the disk is time that they wait longer. Between hush and
// speak, therefore, the end of a phase is written together with the beginning of the next one; past the point of no
// return, nothing is; and events are kept in memory. A crash meanwhile loses the last of these, which the router knows
// better anyway.

// hush begins the time in which requests wait.
func (r *run) hush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hushed = true
}

// speak ends it, and writes what has happened meanwhile: the record first, so that who hears of it finds it there.
func (r *run) speak() {
	r.mu.Lock()
	hushed := r.hushed
	r.mu.Unlock()
	if !hushed {
		return
	}
	if err := r.save(); err != nil {
		r.worker.log.Error("could not write what happened while requests waited", "deployment", r.d.ID, "error", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hushed = false
	r.store(r.unsaid...)
	r.unsaid = nil
}

// saveBeginning writes the record before a phase begins, unless requests wait for something that has happened already.
func (r *run) saveBeginning() error {
	if r.isHushed() && r.fate != untouched {
		r.show()
		return nil
	}
	return r.save()
}

// saveEnd writes the record after a phase, unless the next beginning does so soon.
func (r *run) saveEnd() error {
	if r.isHushed() {
		r.show()
		return nil
	}
	return r.save()
}

func (r *run) isHushed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.hushed
}

// save writes the record to the journal.
func (r *run) save() error {
	ctx, cancel := context.WithTimeout(r.journalCtx, journalTimeout)
	defer cancel()
	if err := r.journal.Save(ctx, r.show()); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return nil
}

// show lets the status have the record as it is now.
func (r *run) show() Deployment {
	r.mu.Lock()
	d := r.d
	d.Phases = append([]PhaseRecord{}, r.d.Phases...)
	r.mu.Unlock()
	if d.State.Ended() {
		r.queue.ends(d.ID)
	} else {
		r.queue.update(d)
	}
	return d
}
