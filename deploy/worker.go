package deploy

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// worker carries out the operations of one app, one at a time.
type worker struct {
	app App
	Adapters
	journal Journal
	control *Controller
	queue   *queue
	log     *slog.Logger

	// intake is shared by requests from the journal to the queue, and held alone while the queue is restored from
	// the journal. operation is held while slices are being changed, for minutes; traffic while the route is.
	intake    sync.RWMutex
	operation sync.Mutex
	traffic   sync.Mutex
	// opening is held while a slice's data is opened, or is to be fenced.
	opening sync.Mutex

	// changed holds a note while something has changed that follow has not looked at yet, ask while the router has not been
	// asked about it.
	changed, ask chan struct{}
	// routing is what the router has said of itself.
	routing struct {
		sync.Mutex
		now Routing
	}

	mirror mirrorSwitch
	// owed tells that workers of the live slice may have been stopped and not started again: a start of them has failed,
	// or verdigris has just started and may have died in the middle of a cutover.
	owed atomic.Bool
	// unattached and unfollowed are what kept the last look from connecting the router with the slices, and from following
	// the live one; they belong to the loop that looks.
	unattached, unfollowed string
	// untidy tells that a start may have been left half-way: it could not be finished or undone, or verdigris has just
	// started and may have died in the middle of one.
	untidy atomic.Bool
	// shut tells that the live slice's app may be kept from writing, because its data could not be opened.
	shut atomic.Bool
}

func newWorker(c *Controller, app App, a Adapters) *worker {
	return &worker{
		app: app, Adapters: a, journal: c.journal, control: c, queue: newQueue(),
		log: c.logger().With("app", app.Name), mirror: mirrorSwitch{on: app.Mirroring},
		changed: make(chan struct{}, 1), ask: make(chan struct{}, 1),
	}
}

func (w *worker) run(ctx context.Context) {
	w.owed.Store(true)
	w.untidy.Store(true)
	_ = w.readMirroring(ctx) // for those who ask at once; recover insists on it
	w.noteRouting(Answer{}, errUnconfirmed.Error())
	route := w.restoreRoute(ctx)
	var following sync.WaitGroup
	following.Go(func() { w.followAlways(ctx) })
	following.Go(func() { w.watchRouter(ctx) })
	defer following.Wait()
	w.recover(ctx, route)
	w.placeWorkers(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.queue.bell:
			w.work(ctx)
		}
	}
}

// work empties the queue.
func (w *worker) work(ctx context.Context) {
	for ctx.Err() == nil {
		d, ok := w.queue.take()
		if !ok {
			return
		}
		w.operation.Lock()
		w.execute(ctx, d)
		w.operation.Unlock()
		w.queue.done()
		w.lookAgain() // at what it left to be done
	}
}

// pause waits; it returns false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// routed tells who wants to know that the traffic has moved.
func (w *worker) routed(r Route) {
	if w.control.OnRoute != nil && r.Slice != "" {
		w.control.OnRoute(w.app.Name, r.Slice, r.Previous)
	}
}
