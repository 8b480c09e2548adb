package deploy

import (
	"context"
	"slices"
)

// misplaced says what is not as it should be: workers of the live slice that are to be started, and slices whose
// workers are to be stopped.
type misplaced struct {
	start Slice
	stop  []Slice
}

func (m misplaced) none() bool { return m.start == "" && len(m.stop) == 0 }

// placeWorkers sees to it that workers run on the live slice alone. An operation knows better where they belong, so
// nothing is done beside one; what it leaves is looked at the next time. It reports whether they are where they belong.
func (w *worker) placeWorkers(ctx context.Context) bool {
	if m, err := w.misplacedWorkers(ctx); err != nil || m.none() && !w.owed.Load() {
		return err == nil
	}
	if !w.operation.TryLock() {
		return false
	}
	defer w.operation.Unlock()
	// Looked at again: an operation may have come and gone in between.
	m, err := w.misplacedWorkers(ctx)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, w.app.Timeouts.Start)
	defer cancel()
	stopped := true
	for _, slice := range m.stop {
		n, err := w.Runtime.StopWorkers(ctx, slice, w.logWorkers)
		w.placed("stopped the workers of a slice that is not live", slice, n, err)
		stopped = stopped && err == nil
	}
	if m.start != "" {
		var n int
		n, err = w.Runtime.StartWorkers(ctx, m.start, w.logWorkers)
		w.placed("started the workers of the live slice", m.start, n, err)
	}
	w.owed.Store(err != nil)
	return stopped && err == nil
}

func (w *worker) misplacedWorkers(ctx context.Context) (m misplaced, err error) {
	ctx, cancel := context.WithTimeout(ctx, observeWithin)
	defer cancel()
	route, err := w.Router.Current(ctx)
	if err != nil {
		return m, err
	}
	for _, slice := range w.app.Slices {
		observed, err := w.Runtime.Observe(ctx, slice)
		if err != nil {
			return m, err
		}
		switch {
		case slice != route.Slice && slices.ContainsFunc(observed.Containers, workerRuns):
			m.stop = append(m.stop, slice)
		case slice == route.Slice && slices.ContainsFunc(observed.Containers, w.workerWaits):
			m.start = slice
		}
	}
	return m, nil
}

func workerRuns(c ContainerStatus) bool {
	return c.Worker && (c.State == "running" || c.State == "restarting")
}

// workerWaits tells whether a worker of the live slice has to be started. One that has ended by itself is its restart
// policy's business, as in Docker Compose; one that was never started, or that we may have stopped, is ours.
func (w *worker) workerWaits(c ContainerStatus) bool {
	return c.Worker && (c.State == "created" || c.State == "exited" && w.owed.Load())
}

func (w *worker) logWorkers(line string, _ ...Step) { w.log.Info("workers", "progress", line) }

func (w *worker) placed(what string, slice Slice, n int, err error) {
	if err != nil {
		w.log.Error("could not bring workers to their place", "slice", slice, "error", err)
		return
	}
	w.log.Info(what, "slice", slice, "workers", n)
}
