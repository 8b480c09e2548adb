package deploy

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Who asked for a deployment: the values of Trigger.By.
const (
	ByPush = "push"
	ByAPI  = "api"
	ByCLI  = "cli"
)

// requestDeploy checks what can be known now and queues the deployment. What may change until its turn comes is
// checked again then.
func (w *worker) requestDeploy(ctx context.Context, r DeployRequest) (Deployment, error) {
	if r.Slice == Staging && r.Promote {
		return Deployment{}, &InputError{Reason: "staging never takes production traffic: deploy it without promotion"}
	}
	if r.Slice != "" {
		if err := w.knows(r.Slice); err != nil {
			return Deployment{}, err
		}
	}
	if r.Commit == "" {
		head, err := w.Source.Resolve(ctx, w.app.Branch)
		if err != nil {
			return Deployment{}, fmt.Errorf("find the head of %s: %w", w.app.Branch, err)
		}
		r.Commit = head
	}
	route, err := w.Router.Current(ctx)
	if err != nil {
		return Deployment{}, err
	}
	if err := w.mayDeploy(route, r.Slice); err != nil {
		return Deployment{}, err
	}
	return w.enqueue(ctx, Deployment{Kind: KindDeploy, Slice: r.Slice, Commit: r.Commit, Promote: r.Promote, Rebuild: r.Rebuild, Trigger: r.Trigger})
}

func (w *worker) knows(slice Slice) error {
	if slices.Contains(w.app.Slices, slice) {
		return nil
	}
	return &InputError{Reason: fmt.Sprintf("%s has no slice %s in its configuration", w.app.Name, slice)}
}

// mayDeploy refuses the live slice: what serves traffic is never rebuilt under its users.
func (w *worker) mayDeploy(route Route, slice Slice) error {
	if slice != "" && slice == route.Slice {
		return &ConflictError{
			Reason: fmt.Sprintf("%s is live, and the live slice is never deployed to", slice),
			Next:   fmt.Sprintf("type verdigris deploy %s --switch", slice.Other()),
		}
	}
	return nil
}

func (w *worker) requestSwitch(ctx context.Context, r SwitchRequest) (Deployment, error) {
	route, err := w.Router.Current(ctx)
	if err != nil {
		return Deployment{}, err
	}
	target, err := w.maySwitch(ctx, route, r.To)
	if err != nil {
		return Deployment{}, err
	}
	return w.enqueue(ctx, Deployment{Kind: KindSwitch, Slice: target.Slice, From: route.Slice, Commit: target.Commit, Promote: true, Trigger: r.Trigger})
}

// maySwitch names the slice that a switch moves to, or says why there is none.
func (w *worker) maySwitch(ctx context.Context, route Route, to Slice) (SliceStatus, error) {
	switch {
	case to == Staging:
		return SliceStatus{}, &InputError{Reason: "staging never takes production traffic"}
	case to == "" && route.Slice == "":
		return SliceStatus{}, &ConflictError{Reason: "nothing is live yet, so there is no other slice", Next: "name the slice to switch to, or deploy first"}
	case to == "":
		to = route.Slice.Other()
	case to == route.Slice:
		return SliceStatus{}, &ConflictError{Reason: fmt.Sprintf("%s is live already", to)}
	}
	observed, err := w.Runtime.Observe(ctx, to)
	if err != nil {
		return SliceStatus{}, err
	}
	if !observed.Running() {
		return SliceStatus{}, &ConflictError{Reason: fmt.Sprintf("%s is not running", to), Next: fmt.Sprintf("type verdigris deploy %s first", to)}
	}
	return observed, oneRelease(observed)
}

// oneRelease refuses a slice whose containers belong to more than one release: nobody has proven these together.
func oneRelease(observed SliceStatus) error {
	releases := observed.releases()
	if len(releases) < 2 {
		return nil
	}
	var names []string
	for _, c := range releases {
		names = append(names, cmp.Or(c.Short(), "none"))
	}
	return &ConflictError{
		Reason: fmt.Sprintf("%s runs containers of more than one release: %s", observed.Slice, strings.Join(names, ", ")),
		Next:   fmt.Sprintf("type verdigris deploy %s first", observed.Slice),
	}
}

func (w *worker) requestRollback(ctx context.Context, t Trigger) (Deployment, error) {
	route, err := w.Router.Current(ctx)
	if err != nil {
		return Deployment{}, err
	}
	target, err := w.mayRollBack(ctx, route)
	if err != nil {
		return Deployment{}, err
	}
	return w.enqueue(ctx, Deployment{Kind: KindRollback, Slice: target.Slice, From: route.Slice, Commit: target.Commit, Promote: true, Trigger: t})
}

// mayRollBack refuses a rollback that would not bring the previous release back.
func (w *worker) mayRollBack(ctx context.Context, route Route) (SliceStatus, error) {
	previous := route.Previous
	if previous == "" {
		return SliceStatus{}, &ConflictError{Reason: "there is no previous slice to roll back to"}
	}
	observed, err := w.Runtime.Observe(ctx, previous)
	if err != nil {
		return SliceStatus{}, err
	}
	return observed, stillPrevious(route, observed)
}

// stillPrevious tells whether the previous slice is what the route left behind.
func stillPrevious(route Route, observed SliceStatus) error {
	if !observed.Running() {
		return &ConflictError{
			Reason: fmt.Sprintf("the previous slice, %s, is not running any more", route.Previous),
			Next:   fmt.Sprintf("type verdigris deploy %s --commit %s --switch to have its release again", route.Previous, route.PreviousCommit),
		}
	}
	if err := oneRelease(observed); err != nil {
		return err
	}
	if route.PreviousCommit != "" && observed.Commit != route.PreviousCommit {
		return &ConflictError{
			Reason: fmt.Sprintf("%s no longer runs the previous release %s but %s", route.Previous, route.PreviousCommit.Short(), observed.Commit.Short()),
			Next:   fmt.Sprintf("verdigris switch moves to %s all the same; verdigris deploy --commit %s --switch brings the previous release back", observed.Commit.Short(), route.PreviousCommit),
		}
	}
	return nil
}

// betweenTimeout bounds how long somebody waits for what goes on between two deployments.
const betweenTimeout = 10 * time.Second

func (w *worker) enqueue(ctx context.Context, d Deployment) (Deployment, error) {
	w.intake.RLock()
	defer w.intake.RUnlock()
	if w.queue.full(false) {
		return Deployment{}, ErrQueueFull
	}
	stored, err := w.journal.Create(ctx, w.fresh(d))
	if err != nil {
		return Deployment{}, fmt.Errorf("write the journal: %w", err)
	}
	w.wait(ctx, stored)
	return stored, nil
}

func (w *worker) push(ctx context.Context, p Push) (Outcome, error) {
	w.intake.RLock()
	defer w.intake.RUnlock()
	if w.queue.full(true) {
		return Outcome{}, ErrQueueFull
	}
	d := w.fresh(Deployment{
		Kind: KindDeploy, Commit: p.Commit, Subject: p.Subject, Promote: w.app.Promote == PromoteAuto,
		Trigger: Trigger{By: ByPush, Who: p.Pusher, Ref: p.Ref, Forge: p.Forge, Delivery: p.Delivery},
	})
	stored, duplicate, err := w.journal.CreateForPush(ctx, d, p)
	if err != nil {
		return Outcome{}, fmt.Errorf("write the journal: %w", err)
	}
	if duplicate {
		return Outcome{Deployment: stored, Duplicate: true}, nil
	}
	if p.Forced {
		w.log.Warn("deploying a forced push", "commit", p.Commit, "ref", p.Ref)
	}
	w.wait(ctx, stored)
	return Outcome{Deployment: stored}, nil
}

func (w *worker) fresh(d Deployment) Deployment {
	d.App, d.State, d.CreatedAt, d.Phases = w.app.Name, StateQueued, time.Now().UTC(), []PhaseRecord{}
	return d
}

// wait puts a deployment in the queue and closes the older push that gives way to it.
func (w *worker) wait(ctx context.Context, d Deployment) {
	old := w.queue.add(d)
	if old == nil {
		return
	}
	r := w.resume(ctx, *old)
	live, _ := r.live(ctx) // without asking: whoever pushed waits for an answer
	err := r.end(StateSuperseded, &Failure{
		Reason: "a newer push took its place in the queue", Serving: live, Next: "follow the newer one: verdigris status",
	})
	if err != nil {
		w.log.Error("could not write the end of a deployment", "deployment", old.ID, "state", StateSuperseded, "error", err)
	}
}

// lockBetween takes the operation's lock unless a deployment is being carried out. What holds it otherwise is over in a
// moment: a deployment whose end is told already, or a look at what one has left.
func (w *worker) lockBetween(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, betweenTimeout)
	defer cancel()
	for !w.operation.TryLock() {
		if w.queue.isBusy() || !pause(ctx, 10*time.Millisecond) {
			return false
		}
	}
	return true
}

func (w *worker) stop(ctx context.Context, slice Slice) error {
	if err := w.knows(slice); err != nil {
		return err
	}
	if !w.lockBetween(ctx) {
		return &ConflictError{Reason: "an operation is under way", Next: "try again when it has ended"}
	}
	defer w.operation.Unlock()
	route, err := w.Router.Current(ctx)
	if err != nil {
		return err
	}
	if slice == route.Slice {
		return &ConflictError{Reason: fmt.Sprintf("%s is live: stopping it would take the site down", slice), Next: "switch to the other slice first"}
	}
	return w.Runtime.Stop(ctx, slice, func(line string, _ ...Step) { w.log.Info("stopping a slice", "slice", slice, "progress", line) })
}
