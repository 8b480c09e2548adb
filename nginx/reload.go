package nginx

import (
	"context"
	"errors"
	"fmt"
	"time"

	"verdigris/deploy"
)

// pollEvery is short: requests wait meanwhile.
const pollEvery = time.Millisecond

// refusesWithin is how long a reload may take before nginx is asked whether it refuses it.
const refusesWithin = 3 * time.Second

// urgency is whether requests wait for a reload.
type urgency bool

const (
	nobodyWaits  urgency = false
	requestsWait urgency = true
)

// reload has the router load its files, and waits until a worker of the generation answers and none of the workers
// before takes connections any more: from then on every new request is routed by it.
func (r *Router) reload(ctx context.Context, before []Worker, generation uint64, u urgency) error {
	bounded, cancel := context.WithTimeout(ctx, r.ReloadTimeout)
	defer cancel()
	if err := r.Process.Reload(bounded); err != nil {
		return hinted(err)
	}
	err := r.unlessRefused(bounded, func() error { return r.answersAs(bounded, generation) })
	if err == nil {
		// nginx sends the old workers away on its own, but only 100 ms after the new ones have started
		// (ngx_master_process_cycle). Where this fails, that is soon enough. One that ends before that is replaced, with the
		// configuration of the master; the worker in its place may be missing from the list of the next reload. It does no
		// harm if it is of a hold, as it goes by the sign; any other could take a request past the gate of the next hold.
		if u == requestsWait {
			_ = r.Process.Retire(bounded, accepting(before))
		}
		err = r.unlessRefused(bounded, func() error { return r.replaced(bounded, before) })
	}
	if err == nil { // workers that were sent away too early have been replaced by others of their kind
		err = until(bounded, func() error { return r.answersAs(bounded, generation) })
	}
	if err != nil {
		return r.unconfirmed(ctx, generation, err)
	}
	r.Log.Info("router reloaded", "app", r.settings.App, "generation", generation)
	return nil
}

// unlessRefused repeats a check until it finds nothing wrong. Where that takes long, nginx is asked whether it refuses the
// files, so that nobody waits for what cannot come.
func (r *Router) unlessRefused(ctx context.Context, check func() error) error {
	early, cancel := context.WithTimeout(ctx, refusesWithin)
	defer cancel()
	err := until(early, check)
	if err == nil || ctx.Err() != nil {
		return err
	}
	if refused := r.Process.Test(ctx, r.settings.nginxConf(routerFile)); refused != nil {
		return err // whoever asked for the reload looks into it
	}
	return until(ctx, check)
}

func (r *Router) answersAs(ctx context.Context, generation uint64) error {
	running, err := r.admin().generation(ctx)
	if err == nil && running != generation {
		err = fmt.Errorf("the router still answers as generation %d", running)
	}
	return err
}

// replaced returns nil when none of the workers before takes connections.
func (r *Router) replaced(ctx context.Context, before []Worker) error {
	workers, err := r.Process.Workers(ctx)
	if err != nil {
		return err
	}
	old := make(map[string]bool, len(before))
	for _, w := range before {
		old[w.PID] = true
	}
	for _, w := range accepting(workers) {
		if old[w.PID] {
			return fmt.Errorf("the old worker %s still takes connections", w.PID)
		}
	}
	return nil
}

// until repeats a check until it finds nothing wrong. When ctx ends first, it returns what was wrong until then.
func until(ctx context.Context, check func() error) error {
	var wrong error
	for {
		err := check()
		if err == nil {
			return nil
		}
		if wrong == nil || !isOver(ctx) { // what was wrong says more than that time ran out
			wrong = err
		}
		select {
		case <-ctx.Done():
			return wrong
		case <-time.After(pollEvery):
		}
	}
}

// isOver reports whether ctx has ended. What is bounded by its deadline may fail a moment before ctx does.
func isOver(ctx context.Context) bool {
	deadline, isBounded := ctx.Deadline()
	return ctx.Err() != nil || isBounded && !time.Now().Before(deadline)
}

func (r *Router) unconfirmed(ctx context.Context, generation uint64, missing error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.TestTimeout)
	defer cancel()
	said := r.Process.Test(ctx, r.settings.nginxConf(routerFile))
	if said == nil {
		said = &deploy.HintedError{Err: errors.New("nginx finds no fault with the configuration"), Next: "look at the router's log"}
	}
	return fmt.Errorf("generation %d was not confirmed: %w: %w", generation, missing, hinted(said))
}
