package deploy

import (
	"cmp"
	"slices"
	"sync"
)

// maxQueued bounds how many operations of one app can wait.
const maxQueued = 20

// queue holds the operations of one app that wait, and the one that runs.
type queue struct {
	mu      sync.Mutex
	waiting []Deployment
	running *Deployment
	ending  bool          // the running one's end is being told
	bell    chan struct{} // has one element when there may be work
	hurry   chan struct{} // has one element when a rollback has come
}

func newQueue() *queue { return &queue{bell: make(chan struct{}, 1), hurry: make(chan struct{}, 1)} }

// full tells whether another operation would be one too many. A push can take the place of one that waits.
func (q *queue) full(push bool) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) < maxQueued {
		return false
	}
	return !push || q.waitingPush() < 0
}

// add puts an operation in its place: they are carried out in the order of their numbers. Of two pushes that wait only
// the newer stays; the other is returned.
func (q *queue) add(d Deployment) (superseded *Deployment) {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer q.ring()
	if i := q.waitingPush(); d.Trigger.By == ByPush && i >= 0 {
		old := q.waiting[i]
		if old.ID > d.ID {
			return &d
		}
		q.waiting = slices.Delete(q.waiting, i, i+1)
		superseded = &old
	}
	at, _ := slices.BinarySearchFunc(q.waiting, d, func(a, b Deployment) int { return cmp.Compare(a.ID, b.ID) })
	q.waiting = slices.Insert(q.waiting, at, d)
	if d.Kind == KindRollback {
		select {
		case q.hurry <- struct{}{}:
		default:
		}
	}
	return superseded
}

// rollbackNext reports whether a rollback is what comes next.
func (q *queue) rollbackNext() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting) > 0 && q.waiting[0].Kind == KindRollback
}

func (q *queue) clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = nil
}

func (q *queue) ring() {
	select {
	case q.bell <- struct{}{}:
	default:
	}
}

func (q *queue) waitingPush() int {
	for i, d := range q.waiting {
		if d.Trigger.By == ByPush {
			return i
		}
	}
	return -1
}

// take makes the oldest waiting operation the running one.
func (q *queue) take() (Deployment, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return Deployment{}, false
	}
	d := q.waiting[0]
	q.waiting = q.waiting[1:]
	q.running, q.ending = &d, false
	return d, true
}

// update shows how the running operation stands. One that is only being closed does not run.
func (q *queue) update(d Deployment) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.running != nil && q.running.ID == d.ID {
		q.running = &d
	}
}

// ends notes that the operation is over but for what is looked at between two of them.
func (q *queue) ends(id int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ending = q.ending || q.running != nil && q.running.ID == id
}

// isBusy reports whether an operation is being carried out whose end nobody has been told.
func (q *queue) isBusy() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.running != nil && !q.ending
}

func (q *queue) done() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.running = nil
}

// length counts the operations that wait, and the one that runs.
func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.running != nil {
		return len(q.waiting) + 1
	}
	return len(q.waiting)
}

func (q *queue) snapshot() (running *Deployment, waiting []Deployment) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.running != nil {
		d := *q.running
		running = &d
	}
	return running, append([]Deployment{}, q.waiting...)
}
