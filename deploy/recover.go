package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// recover brings an app's operations back to order when verdigris starts. The router has been looked at first, and
// the journal is a hint: an operation that was cut off is closed with what really happened, and those that waited
// wait again. Without the journal nothing can be carried out, so it is asked until it answers.
func (w *worker) recover(ctx context.Context, route Route) {
	w.operation.Lock()
	defer w.operation.Unlock()
	for {
		err := w.takeUp(ctx, route)
		if err == nil {
			return
		}
		w.log.Error("could not take up what was left unfinished", "error", err)
		if !pause(ctx, journalRetry) {
			return
		}
	}
}

func (w *worker) takeUp(ctx context.Context, route Route) error {
	if err := w.restoreMirror(ctx, route.Slice); err != nil {
		return err
	}
	// Before anybody hears that what was cut off has ended: the way back is there by then.
	if err := w.tidy(ctx); err != nil {
		w.log.Error("could not put the slices in order; this goes on being tried", "error", err)
	}
	// Requests may have come in already; the journal has them too, so it is the whole truth about who waits.
	w.intake.Lock()
	defer w.intake.Unlock()
	unfinished, err := w.journal.Unfinished(ctx, w.app.Name)
	if err != nil {
		return err
	}
	w.queue.clear()
	for _, d := range unfinished {
		if d.State == StateQueued {
			w.wait(ctx, d)
		} else if err := w.closeCutOff(ctx, d, route); err != nil {
			return err
		}
	}
	return nil
}

// restoreRoute applies the route that the router's files name, which also ends a hold that a dead controller left. Until the
// router has confirmed it, the mirror rests.
func (w *worker) restoreRoute(ctx context.Context) Route {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	w.attach(ctx)
	route, err := w.Router.Current(ctx)
	if err != nil || route.Slice == "" {
		return route
	}
	w.routed(route)
	w.traffic.Lock()
	defer w.traffic.Unlock()
	if err := w.putInForce(ctx, route); err != nil {
		w.log.Error("could not confirm the live route; this goes on being tried", "slice", route.Slice, "error", err)
	}
	return route
}

func (w *worker) closeCutOff(ctx context.Context, d Deployment, route Route) error {
	state := cutOffState(d, route)
	r := w.resume(ctx, d)
	phase := Phase("")
	if n := len(d.Phases); n > 0 {
		phase = d.Phases[n-1].Phase
		if d.Phases[n-1].State == PhaseRunning {
			r.finish(n-1, "", errors.New("verdigris was killed in the middle"))
		}
	}
	if state == StateSucceeded {
		return r.end(state, nil)
	}
	return r.end(state, &Failure{
		Phase: phase, Reason: fmt.Sprintf("verdigris was killed in phase %q", phase), Serving: r.serving(ctx),
		Next: again(d) + " tries again",
	})
}

// cutOffState is how a deployment ended that was cut off: the route says where the traffic is, the phases say
// whether it was on its way back.
func cutOffState(d Deployment, route Route) State {
	there := d.Promote && d.From != d.Slice && route.Slice == d.Slice && route.Commit == d.Commit
	goingBack := slices.ContainsFunc(afterRoute(d.Phases), func(p PhaseRecord) bool {
		return p.Phase == PhaseReturn || p.State == PhaseFailed && (p.Phase == PhaseWorkers || p.Phase == PhaseVerify || p.Phase == PhaseWatch)
	})
	switch {
	case there && goingBack:
		return StateFailed
	case there:
		return StateSucceeded // it had passed the point of no return, and the router says that it holds
	case goingBack:
		return StateRolledBack
	}
	return StateAborted
}

// afterRoute leaves out what came before the point of no return, such as workers that could not be stopped.
func afterRoute(phases []PhaseRecord) []PhaseRecord {
	i := slices.IndexFunc(phases, func(p PhaseRecord) bool { return p.Phase == PhaseRoute })
	return phases[max(0, i):]
}
