package deploy

import (
	"context"
	"fmt"
)

// Workers are services that do their work without being asked, such as the jobs of a queue. Two slices that do it at the
// same time would do it twice, so they run on the live slice alone: a cutover stops them on the old slice before the
// hold, and starts them on the new one after it.

// workers lists the names of the slice's worker containers.
func (s SliceStatus) workers() []string {
	var names []string
	for _, c := range s.Containers {
		if c.Worker {
			names = append(names, c.Name)
		}
	}
	return names
}

// stopWorkers stops a slice's workers, in a phase that is left out where there are none. Workers that were stopped, or
// half of them, have to be started again if the cutover comes to nothing.
func (r *run) stopWorkers(slice Slice, do step) (stopped bool, err error) {
	has, err := r.hasWorkers(slice)
	if err != nil {
		return false, &phaseError{Phase: PhaseWorkers, Err: err}
	}
	if !has {
		return false, nil
	}
	err = do(PhaseWorkers, r.app.Timeouts.Start, func(ctx context.Context) (string, error) {
		stopped = true
		// The Engine goes on with a stop that was cut off, and would end workers that have just been started again.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.app.Timeouts.Start)
		defer cancel()
		n, err := r.Runtime.StopWorkers(ctx, slice, r.logTo(PhaseWorkers))
		return fmt.Sprintf("%s of %s stopped", plural(n, "worker"), slice), err
	})
	return stopped, err
}

// startWorkers starts the workers of the slice that has become live, in a phase that is left out where there are none.
// An engine that is away says nothing about the release: its workers are started while the slice is followed.
func (r *run) startWorkers(slice Slice, do step) error {
	has, err := r.hasWorkers(slice)
	if err != nil {
		r.owed.Store(true)
		r.worker.log.Error("could not look for workers to start; this goes on being tried", "deployment", r.d.ID, "slice", slice, "error", err)
	}
	if !has {
		return nil
	}
	return do(PhaseWorkers, r.app.Timeouts.Start, func(ctx context.Context) (string, error) {
		n, err := r.Runtime.StartWorkers(ctx, slice, r.logTo(PhaseWorkers))
		if err != nil {
			r.owed.Store(true)
			return "", r.withLogs(ctx, slice, err)
		}
		return fmt.Sprintf("%s of %s started", plural(n, "worker"), slice), nil
	})
}

func (r *run) hasWorkers(slice Slice) (bool, error) {
	ctx, cancel := context.WithTimeout(r.journalCtx, observeWithin)
	defer cancel()
	observed, err := r.Runtime.Observe(ctx, slice)
	return len(observed.workers()) > 0, err
}

// restartWorkers starts again what a cutover has stopped that came to nothing. It is no phase: a journal that cannot
// be written must not keep it from happening. What does not start is tried again while the slice is followed.
func (r *run) restartWorkers(ctx context.Context, slice Slice, stopped bool) error {
	if !stopped {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.app.Timeouts.Start)
	defer cancel()
	n, err := r.Runtime.StartWorkers(ctx, slice, r.logTo(PhaseWorkers))
	if err != nil {
		r.owed.Store(true)
		return fmt.Errorf("start the workers of %s again (this goes on being tried): %w", slice, err)
	}
	r.progress(PhaseWorkers, fmt.Sprintf("%s of %s started again", plural(n, "worker"), slice))
	return nil
}
