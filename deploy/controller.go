package deploy

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
)

// Adapters are the parts of the world that one app's runbooks act on.
type Adapters struct {
	Source  Source
	Runtime Runtime
	Router  Router
	// Data is nil for an app without data.
	Data Data
}

// Controller carries out the operations of all apps: one worker for each, one operation at a time.
type Controller struct {
	// OnRoute is told whenever an app's traffic has moved, and once at start for each app that is live.
	OnRoute func(app string, live, previous Slice)
	// OnEnd is told of each deployment that ended.
	OnEnd func(Deployment)
	// Logger takes what is worth a log line; slog.Default() when nil.
	Logger *slog.Logger

	journal Journal
	hub     *hub
	names   []string
	workers map[string]*worker
}

// NewController returns a controller without apps. Add the apps, then Run it.
func NewController(journal Journal) *Controller {
	return &Controller{journal: journal, hub: newHub(), workers: map[string]*worker{}}
}

// Add makes the controller manage an app. It must not be called after Run.
func (c *Controller) Add(app App, adapters Adapters) error {
	if _, ok := c.workers[app.Name]; ok {
		return fmt.Errorf("add app %s: there already is an app of that name", app.Name)
	}
	c.names = append(c.names, app.Name)
	c.workers[app.Name] = newWorker(c, app, adapters)
	return nil
}

// Run carries out operations until ctx ends, and returns when every worker has left its app in a safe state.
func (c *Controller) Run(ctx context.Context) {
	var workers sync.WaitGroup
	for _, w := range c.workers {
		workers.Go(func() { w.run(ctx) })
	}
	workers.Wait()
}

// Apps returns the names of the apps in the order in which they were added.
func (c *Controller) Apps() []string { return c.names }

// Deploy queues a deployment of a commit to a slice. The live slice is refused with a ConflictError, unless
// nothing is live yet.
func (c *Controller) Deploy(ctx context.Context, app string, r DeployRequest) (Deployment, error) {
	w, err := c.worker(app)
	if err != nil {
		return Deployment{}, err
	}
	return w.requestDeploy(ctx, r)
}

// Switch queues a move of the traffic. It is refused with a ConflictError when the slice is live already or
// does not run.
func (c *Controller) Switch(ctx context.Context, app string, r SwitchRequest) (Deployment, error) {
	w, err := c.worker(app)
	if err != nil {
		return Deployment{}, err
	}
	return w.requestSwitch(ctx, r)
}

// PlanSwitch says what a switch would do now, and is refused for what the switch would be refused for. Nothing is changed.
func (c *Controller) PlanSwitch(ctx context.Context, app string, r SwitchRequest) (SwitchPlan, error) {
	w, err := c.worker(app)
	if err != nil {
		return SwitchPlan{}, err
	}
	return w.planSwitch(ctx, r.To)
}

// Rollback queues the way back to the previous slice. It is refused with a ConflictError when that slice is
// gone or runs another release by now.
func (c *Controller) Rollback(ctx context.Context, app string, t Trigger) (Deployment, error) {
	w, err := c.worker(app)
	if err != nil {
		return Deployment{}, err
	}
	return w.requestRollback(ctx, t)
}

// Push queues the deployment of a pushed commit to the idle slice. An older push that still waits gives way to it.
func (c *Controller) Push(ctx context.Context, app string, p Push) (Outcome, error) {
	w, err := c.worker(app)
	if err != nil {
		return Outcome{}, err
	}
	return w.push(ctx, p)
}

// Stop stops the containers of a slice that is not live. The live slice is refused with a ConflictError, and so
// is any slice while a deployment is being carried out.
func (c *Controller) Stop(ctx context.Context, app string, s Slice) error {
	w, err := c.worker(app)
	if err != nil {
		return err
	}
	return w.stop(ctx, s)
}

// Mirroring says how the mirror of an app's data stands. An app without data is a ConflictError.
func (c *Controller) Mirroring(_ context.Context, app string) (Mirroring, error) {
	w, err := c.worker(app)
	if err != nil {
		return Mirroring{}, err
	}
	return w.mirroring()
}

// SetMirroring switches the mirror on or off, at once and over restarts. A cutover in progress is not disturbed: it has
// the mirror in its hands, and leaves it as it should be. An app without data is a ConflictError, and so is a decision for a
// slice's data while a deployment is being carried out.
func (c *Controller) SetMirroring(ctx context.Context, app string, req MirrorRequest) (Mirroring, error) {
	w, err := c.worker(app)
	if err != nil {
		return Mirroring{}, err
	}
	if _, err := w.mirroring(); err != nil {
		return Mirroring{}, err
	}
	if err := w.setMirroring(ctx, req); err != nil {
		return Mirroring{}, err
	}
	return w.mirroring()
}

// Routing says what the app's router has last said of itself. It asks nobody, so that it can be asked often.
func (c *Controller) Routing(app string) (Routing, error) {
	w, err := c.worker(app)
	if err != nil {
		return Routing{}, err
	}
	return w.routingNow(), nil
}

// Status says how an app stands.
func (c *Controller) Status(ctx context.Context, app string) (Status, error) {
	w, err := c.worker(app)
	if err != nil {
		return Status{}, err
	}
	return w.status(ctx)
}

// Deployments returns the newest deployments of an app first.
func (c *Controller) Deployments(ctx context.Context, app string, limit int) ([]Deployment, error) {
	if _, err := c.worker(app); err != nil {
		return nil, err
	}
	return c.journal.List(ctx, app, limit)
}

// Deployment returns one deployment, or ErrUnknownDeployment.
func (c *Controller) Deployment(ctx context.Context, id int64) (Deployment, error) {
	return c.journal.Get(ctx, id)
}

func (c *Controller) worker(app string) (*worker, error) {
	w, ok := c.workers[app]
	if !ok {
		return nil, fmt.Errorf("app %q: %w", clip(app, 80), ErrUnknownApp)
	}
	return w, nil
}

func (c *Controller) logger() *slog.Logger {
	if c.Logger != nil {
		return c.Logger
	}
	return slog.Default()
}
