package redisync

import (
	"slices"
	"time"
)

// markEvery is how often the marker follows a stream that has nothing for the target.
const markEvery = time.Second

// carryOut has the target do the batch in one transaction, which moves the marker too: what is done is never done
// twice. The batch stays if the target takes no writes.
func (f *follower) carryOut() error {
	for len(f.batch) > 0 || f.markerDue() {
		refused, err := f.transact()
		if err != nil {
			f.blocked = err
			return err
		}
		f.blocked = nil
		if refused == nil {
			break
		}
		if slices.ContainsFunc(refused, run.joined) { // each by itself it may well take
			f.apart = true
			continue
		}
		if err := f.withdraw(refused); err != nil {
			return err
		}
	}
	clear(f.batch) // lest it hold on to what was large
	f.batch, f.sized = f.batch[:0], 0
	return nil
}

func (f *follower) markerDue() bool {
	if !f.exact() {
		return f.isMarked
	}
	return !f.isMarked || time.Since(f.marked) > markEvery && f.applied.Load() != f.decode.offset
}

// transact sends the batch as a transaction. It returns the runs of commands that the target does not take in that form,
// in which case it did nothing. Commands that failed make their keys dirty.
func (f *follower) transact() (refused []run, err error) {
	f.runs = runs(f.batch, f.apart, f.runs[:0])
	f.to.send("MULTI")
	for _, r := range f.runs {
		f.to.sendRun(f.batch[r.first:r.end])
	}
	f.sendMarker()
	f.to.send("EXEC")
	if err := f.to.flush(); err != nil {
		return nil, err
	}
	if err := f.to.skip(); err != nil { // MULTI
		return nil, err
	}
	for i := range len(f.runs) + 1 {
		switch err := f.to.skip(); {
		case err == nil:
		case !isReply(err):
			return nil, err
		case i < len(f.runs) && (refusedAs(err, "ERR") || refusedAs(err, "NOPERM") && f.runs[i].joined()):
			refused = append(refused, f.runs[i])
		default:
			return nil, f.abandon(err)
		}
	}
	return refused, f.results(refused)
}

// abandon reads the rest of a transaction of which the target would not queue a command.
func (f *follower) abandon(why error) error {
	for {
		err := f.to.skip()
		switch {
		case refusedAs(err, "EXECABORT"):
			return &blockedError{why}
		case err != nil && !isReply(err):
			return err
		}
	}
}

// blockedError means that the target takes no writes now, and that it may later.
type blockedError struct{ error }

func (e *blockedError) Unwrap() error { return e.error }

// results reads the answer to EXEC.
func (f *follower) results(refused []run) error {
	exact := f.exact() // before a command that failed says otherwise: so it was when the marker was sent
	n, err := f.to.expect('*')
	switch {
	case refused != nil && refusedAs(err, "EXECABORT"):
		return nil
	case isReply(err):
		return &blockedError{err}
	case err != nil:
		return err
	case n != int64(len(f.runs)+1):
		return f.to.fail(errProtocol)
	}
	for i := range n {
		err := f.to.skip()
		if err != nil && !isReply(err) {
			return err
		}
		if err != nil && int(i) < len(f.runs) {
			f.log.Debug("read keys anew", "command", string(f.batch[f.runs[i].first][0]), "because", err)
			if err := f.taintRun(f.runs[i]); err != nil {
				return err
			}
		}
	}
	f.isMarked, f.marked = exact, time.Now()
	return nil
}

// withdraw takes commands out of the batch that an older target does not know: their keys are read instead.
func (f *follower) withdraw(refused []run) error {
	rest, from := f.batch[:0:0], 0
	for _, r := range refused {
		rest = append(rest, f.batch[from:r.first]...)
		if err := f.taintRun(r); err != nil {
			return err
		}
		from = r.end
	}
	f.batch = append(rest, f.batch[from:]...)
	return nil
}

// taintRun makes the keys of a run dirty.
func (f *follower) taintRun(r run) error {
	for _, c := range f.batch[r.first:r.end] {
		if err := f.taintAll(c); err != nil {
			return &tornError{err}
		}
	}
	return nil
}

func (f *follower) taintAll(c command) error {
	spec, err := f.spec(c)
	if err != nil {
		return err
	}
	at, err := f.keysOf(c, spec)
	if err != nil {
		return err
	}
	for _, i := range at {
		if f.keys.has(c[i]) {
			f.taint(string(c[i]))
		}
	}
	return nil
}

// sendMarker writes down how far the target is, or takes that away while no single offset says it.
func (f *follower) sendMarker() {
	if !f.exact() {
		f.to.send("UNLINK", markerKey)
		return
	}
	f.to.send("SET", markerKey, f.marker().String())
}
