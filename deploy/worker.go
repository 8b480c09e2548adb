package deploy

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// followEvery is how often an idle worker looks whether the live slice's containers have moved.
const followEvery = 2 * time.Second

// worker carries out the operations of one app, one at a time.
type worker struct {
	app App
	Adapters
	journal Journal
	control *Controller
	queue   *queue
	probe   *prober
	log     *slog.Logger

	// intake is shared by requests from the journal to the queue, and held alone while the queue is restored from
	// the journal. operation is held while slices or routes are being changed.
	intake    sync.RWMutex
	operation sync.Mutex
}

func newWorker(c *Controller, app App, a Adapters) *worker {
	return &worker{
		app: app, Adapters: a, journal: c.journal, control: c, queue: newQueue(), probe: newProber(),
		log: c.logger().With("app", app.Name),
	}
}

func (w *worker) run(ctx context.Context) {
	w.recover(ctx)
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.queue.bell:
			w.work(ctx)
		case <-tick.C:
			w.follow(ctx)
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
	}
}

// routed tells who wants to know that the traffic has moved.
func (w *worker) routed(r Route) {
	if w.control.OnRoute != nil && r.Slice != "" {
		w.control.OnRoute(w.app.Name, r.Slice, r.Previous)
	}
}
