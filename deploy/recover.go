package deploy

import (
	"context"
	"fmt"
	"time"
)

// recover brings an app back to order when verdigris starts. It looks at the router first and takes the journal
// as a hint: an operation that was cut off is closed with what really happened, and those that waited wait again.
func (w *worker) recover(ctx context.Context) {
	w.operation.Lock()
	defer w.operation.Unlock()
	route := w.restoreRoute(ctx)
	// Requests may have come in already; the journal has them too, so it is the whole truth about who waits.
	w.intake.Lock()
	defer w.intake.Unlock()
	unfinished, err := w.journal.Unfinished(ctx, w.app.Name)
	if err != nil {
		w.log.Error("could not read what was left unfinished", "error", err)
		return
	}
	var waiting []Deployment
	for _, d := range unfinished {
		if d.State == StateQueued {
			waiting = append(waiting, d)
			continue
		}
		w.closeCutOff(ctx, d, route)
	}
	w.queue.restore(waiting)
}

// restoreRoute applies the route that the router's files name, which also ends a hold that a dead controller left.
func (w *worker) restoreRoute(ctx context.Context) Route {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	route, err := w.Router.Current(ctx)
	if err != nil || route.Slice == "" {
		return route
	}
	w.routed(route)
	if observed, err := w.Runtime.Observe(ctx, route.Slice); err == nil && observed.Running() {
		route.Endpoints = observed.Endpoints
	}
	if err := w.Router.Apply(ctx, route); err != nil {
		w.log.Error("could not confirm the live route", "slice", route.Slice, "error", err)
	}
	return route
}

func (w *worker) closeCutOff(ctx context.Context, d Deployment, route Route) {
	r := w.resume(ctx, d)
	phase := Phase("")
	if n := len(d.Phases); n > 0 {
		phase = d.Phases[n-1].Phase
		if d.Phases[n-1].State == PhaseRunning {
			r.finish(n-1, "", fmt.Errorf("verdigris was killed in the middle"))
		}
	}
	if d.Promote && d.From != d.Slice && route.Slice == d.Slice && route.Commit == d.Commit {
		r.end(StateSucceeded, nil) // it had passed the point of no return, and the router says that it holds
		return
	}
	r.end(StateAborted, &Failure{
		Phase: phase, Reason: fmt.Sprintf("verdigris was killed in phase %q", phase), Serving: r.serving(ctx),
		Next: fmt.Sprintf("verdigris deploy --commit %s tries again", d.Commit),
	})
}
