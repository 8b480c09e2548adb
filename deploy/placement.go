package deploy

import (
	"context"
	"slices"
)

// occasion says what the place of workers is looked at for.
type occasion int

const (
	// restarted is after a start of verdigris: a cutover may have been cut off anywhere, so that a live worker that does
	// not run may have been stopped by it.
	restarted occasion = iota
	// followed is every few seconds. A live worker that has ended by itself is then its restart policy's business, as in
	// Docker Compose; one that was never started, or whose start has failed, is ours.
	followed
)

// misplaced says what is not as it should be: workers of the live slice that are to be started, and slices whose
// workers are to be stopped.
type misplaced struct {
	start Slice
	stop  []Slice
}

// placeWorkers sees to it that workers run on the live slice alone. An operation knows better where they belong, so
// nothing is done beside one; what it leaves is looked at the next time.
func (w *worker) placeWorkers(ctx context.Context, why occasion) {
	if m, err := w.misplacedWorkers(ctx, why); err != nil || m.start == "" && len(m.stop) == 0 {
		return
	}
	if !w.operation.TryLock() {
		return
	}
	defer w.operation.Unlock()
	// Looked at again: an operation may have come and gone in between.
	m, err := w.misplacedWorkers(ctx, why)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, w.app.Timeouts.Start)
	defer cancel()
	for _, slice := range m.stop {
		n, err := w.Runtime.StopWorkers(ctx, slice, w.logWorkers)
		w.placed("stopped the workers of a slice that is not live", slice, n, err)
	}
	if m.start != "" {
		n, err := w.Runtime.StartWorkers(ctx, m.start, w.logWorkers)
		w.owed.Store(err != nil)
		w.placed("started the workers of the live slice", m.start, n, err)
	}
}

func (w *worker) misplacedWorkers(ctx context.Context, why occasion) (m misplaced, err error) {
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
		owed := why == restarted || w.owed.Load()
		switch {
		case slice != route.Slice && slices.ContainsFunc(observed.Containers, workerRuns):
			m.stop = append(m.stop, slice)
		case slice == route.Slice && slices.ContainsFunc(observed.Containers, func(c ContainerStatus) bool { return workerWaits(c, owed) }):
			m.start = slice
		}
	}
	return m, nil
}

func workerRuns(c ContainerStatus) bool {
	return c.Worker && (c.State == "running" || c.State == "restarting")
}

// workerWaits tells whether a worker has to be started; with owed, one that has ended too.
func workerWaits(c ContainerStatus, owed bool) bool {
	return c.Worker && (c.State == "created" || owed && c.State == "exited")
}

func (w *worker) logWorkers(line string, _ ...Step) { w.log.Info("workers", "progress", line) }

func (w *worker) placed(what string, slice Slice, n int, err error) {
	if err != nil {
		w.log.Error("could not bring workers to their place", "slice", slice, "error", err)
		return
	}
	w.log.Info(what, "slice", slice, "workers", n)
}
