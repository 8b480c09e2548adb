package redisync

import (
	"context"
	"errors"
	"fmt"

	"verdigris/deploy"
)

// What a follower does for a cutover, in this order: prepare while traffic goes on, settle while it waits, and then
// either resume or leave.

const (
	preparations = 5 // how often touched keys are compared before a hold, at the most
	mendings     = 3 // how often keys are mended and compared again during it
)

// prepare does all that need not be done while requests wait: it compares what was touched, sees to it that the target
// keeps the history of its stream, by which the mirror can turn round without a copy, and begins to watch the source.
func (f *follower) prepare(ctx context.Context) error {
	for range preparations {
		if err := f.recheck(ctx); err != nil {
			return err
		}
		if f.touched.few() {
			break
		}
	}
	// A mirror that has nothing to carry out does not notice that the target takes no more writes; its app would.
	if err := f.sight.to.require(writing(f.keys.sample(), temporaryPrefix+"probe")); err != nil {
		return err
	}
	return f.makeReady(ctx)
}

// settle brings the target to where the source is now that nothing writes any more, and makes sure that both are equal.
func (f *follower) settle(ctx context.Context) (compared int, err error) {
	if err := f.makeReady(ctx); err != nil {
		return 0, err
	}
	if err := f.catchUp(ctx); err != nil {
		return 0, err
	}
	for range mendings {
		n, different, err := f.mend(ctx)
		compared = max(compared, n)
		if err != nil {
			return compared, err
		}
		if len(different) == 0 {
			quiet, err := f.undisturbed()
			if err != nil {
				return compared, err
			}
			if quiet {
				return compared, f.rest(ctx)
			}
		}
		for _, key := range different {
			f.touched.add([]byte(key), true) // look at it once more
			f.taint(key)
		}
		if err := f.flush(); err != nil {
			return compared, err
		}
	}
	return compared, fmt.Errorf("%w: something writes to the redis of %s or %s besides requests, or %s is short of memory and evicts keys",
		deploy.ErrDataDiffers, f.transfer.from.slice, f.transfer.to.slice, f.transfer.to.slice)
}

// undisturbed tells whether nobody else has written on the target, nor the target evicted anything, since mend asked:
// reading keys anew may have been what it evicted others for. What was told is left for the next mend.
func (f *follower) undisturbed() (bool, error) {
	keys, all, err := f.to.strays()
	if err != nil {
		return false, err
	}
	f.to.told.giveBack(keys, all)
	return len(keys) == 0 && !all, nil
}

// mend compares what was touched or written by others and is in doubt, and returns what differs; or reads all anew that
// differs, where it is not known what that was.
func (f *follower) mend(ctx context.Context) (compared int, different []string, err error) {
	strays, err := f.mendStrays(ctx)
	if err != nil {
		return 0, nil, err
	}
	for _, key := range strays {
		f.touched.add([]byte(key), true)
	}
	if f.touched.all {
		return 0, nil, f.recheck(ctx)
	}
	doubtful := f.touched.doubtful()
	if different, err = f.unequal(doubtful); err != nil {
		return 0, nil, err
	}
	f.touched.take()
	return len(doubtful), different, nil
}

// rest stops following with both sides equal, and opens the target to its app.
func (f *follower) rest(ctx context.Context) error {
	now, err := f.transfer.to.replication(ctx)
	if err != nil {
		return err
	}
	f.back, f.resting = positionOf(now), true
	if known, err := f.transfer.to.leaveTrace(ctx, f.back); err != nil || !known {
		f.back = position{} // then the mirror turns by a copy
		return err
	}
	return f.transfer.to.unfence(ctx)
}

// resume goes on after a cutover that was called off.
func (f *follower) resume() {
	f.resting = false
	f.dropReady()
}

// departure is what is known when a follower has left.
type departure struct {
	late     []string // selected keys that were written on the source since both sides were equal
	lost     error    // why that is not known
	fenced   bool     // the source takes no more writes
	unfenced error    // why it does, if it was not to
}

// leave ends the following after a cutover, and returns what a mirror the other way round goes on with: nil where it
// has to begin by a copy.
func (f *follower) leave(ctx context.Context, fencing bool) (d departure, left *handover) {
	if !f.resting {
		return departure{lost: errUnsettled}, nil
	}
	var err error
	if fencing {
		d.unfenced = f.transfer.from.fence(ctx, f.transfer.to)
		d.fenced = d.unfenced == nil
	}
	if d.fenced { // the mirror the other way round will write by this connection
		err = f.ready.watch.login()
	}
	var keys []string
	var all bool
	if err == nil {
		keys, all, err = f.ready.watch.strays()
	}
	if d.late, d.lost = keys, err; err != nil || all || f.back.id != f.ready.reverse.start.id {
		return d, nil
	}
	there, err := stillThere(f.from, f.sight.to, keys)
	if d.lost = err; err != nil {
		return d, nil
	}
	d.late = there
	f.ready.unbind()
	left = &handover{transfer: f.transfer.reversed(), to: f.ready.watch, link: f.ready.reverse, at: f.back, late: keys}
	f.ready, f.left = nil, true
	return d, left
}

// errUnsettled means that there is nothing to leave: the mirror began anew since both sides were equal.
var errUnsettled = errors.New("the mirror began anew after its settle")

// reversed is the same two servers the other way round.
func (t *transfer) reversed() *transfer {
	r := &transfer{keys: t.keys, from: t.to, to: t.from, pairs: t.pairs, log: t.log}
	r.payloads.Store(true)
	return r
}
