package deploy

import (
	"context"
	"time"
)

// emit numbers an event, stores it and wakes its readers.
func (r *run) emit(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seq++
	e.Deployment, e.Seq, e.Time = r.d.ID, r.seq, time.Now().UTC()
	if r.hushed {
		r.unsaid = append(r.unsaid, e)
		return
	}
	r.store(e)
}

// store writes events under the lock, so that they are stored in the order of their numbers. One that cannot be stored
// is lost to readers but stops nothing: the record is what counts.
func (r *run) store(events ...Event) {
	if len(events) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(r.journalCtx, journalTimeout)
	defer cancel()
	if err := r.journal.Append(ctx, events...); err != nil {
		r.worker.log.Warn("could not store events", "deployment", r.d.ID, "events", len(events), "error", err)
	}
	r.control.hub.ring(r.d.ID)
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
