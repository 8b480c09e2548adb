package server_test

import (
	"context"
	"sync"
	"time"

	"verdigris/deploy"
)

// fakeController answers with a deployment unless a test says otherwise, and notes what it was asked.
type fakeController struct {
	mu    sync.Mutex
	asked []any

	err    error
	push   func(ctx context.Context, app string, p deploy.Push) (deploy.Outcome, error)
	stop   func(ctx context.Context, app string, s deploy.Slice) error
	events func(ctx context.Context, id, after int64) (<-chan deploy.Event, error)
}

func (f *fakeController) note(what any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, what)
}

// last returns what was asked for last.
func (f *fakeController) last() any {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.asked) == 0 {
		return nil
	}
	return f.asked[len(f.asked)-1]
}

func (f *fakeController) app(name string) error {
	if name != "shop" && name != "blog" {
		return deploy.ErrUnknownApp
	}
	return f.err
}

var epoch = time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)

// full is a deployment with every field filled, so that each is held against the description.
func full(app string) deploy.Deployment {
	return deploy.Deployment{
		ID: 7, App: app, Kind: deploy.KindDeploy, Slice: deploy.Green, From: deploy.Blue, Commit: commitA, Subject: "Say hello", Promote: true, Rebuild: true,
		Trigger: deploy.Trigger{By: "push", Who: "ada", Ref: "refs/heads/main", Forge: "github", Delivery: "d1"}, State: deploy.StateRolledBack,
		Phases: []deploy.PhaseRecord{
			{Phase: deploy.PhaseFetch, State: deploy.PhaseDone, StartedAt: epoch, EndedAt: epoch.Add(time.Second), Detail: "fetched"},
			{Phase: deploy.PhaseVerify, State: deploy.PhaseFailed, StartedAt: epoch, EndedAt: epoch.Add(time.Second), Error: "500"},
		},
		Error:     &deploy.Failure{Phase: deploy.PhaseVerify, Reason: "500", Serving: "blue", Next: "look", Log: []string{"boom"}},
		CreatedAt: epoch, StartedAt: epoch, EndedAt: epoch, Images: map[string]string{"web": "sha256:1"},
		Digests: map[string]string{"db": "redis@sha256:2"}, Stayed: 2, Held: 31, LongestHold: 48,
	}
}

// mirrored is a mirror with every field filled.
var mirrored = deploy.MirrorStatus{
	State: deploy.MirrorBroken, From: deploy.Green, To: deploy.Blue, Since: epoch, LagMS: 0.4, Behind: 120, Copied: 3, Found: 7, Resyncs: 2,
	Reason: "redis of blue does not answer", Next: "start it", Fenced: deploy.Blue, LeftMayWrite: []string{"cache:*"},
	Unfenced: "redis of blue cannot be fenced against late writes: the user app has selectors",
	Unseen:   "late writes to blue were not seen from 11:00:00 UTC to 11:00:05 UTC",
	Strays:   &deploy.Strays{Slice: deploy.Blue, Count: 5, Keys: []string{"images"}, Last: epoch},
	Kept:     &deploy.Kept{Slice: deploy.Blue, Count: 2, Keys: []string{"cart:7", "images"}, Below: "__verdigris:kept:1732176000:", Until: epoch},
}

// queued is a deployment with as few fields as can be.
func queued(app string) deploy.Deployment {
	return deploy.Deployment{ID: 8, App: app, Kind: deploy.KindDeploy, Trigger: deploy.Trigger{By: "api"}, State: deploy.StateQueued, Phases: []deploy.PhaseRecord{}, CreatedAt: epoch}
}

type switched struct {
	app string
	deploy.SwitchRequest
}

type mirrorSet struct {
	app string
	req deploy.MirrorRequest
}

type planned struct {
	app string
	deploy.SwitchRequest
}

type deployed struct {
	app string
	deploy.DeployRequest
}

type rolledBack struct {
	app     string
	trigger deploy.Trigger
}

type stopped struct {
	app   string
	slice deploy.Slice
}

func (f *fakeController) Apps() []string { return []string{"shop", "blog"} }

func (f *fakeController) Deploy(_ context.Context, app string, r deploy.DeployRequest) (deploy.Deployment, error) {
	f.note(deployed{app, r})
	return queued(app), f.app(app)
}

func (f *fakeController) Switch(_ context.Context, app string, r deploy.SwitchRequest) (deploy.Deployment, error) {
	f.note(switched{app, r})
	return queued(app), f.app(app)
}

// PlanSwitch answers with every field filled.
func (f *fakeController) PlanSwitch(_ context.Context, app string, r deploy.SwitchRequest) (deploy.SwitchPlan, error) {
	f.note(planned{app, r})
	return deploy.SwitchPlan{
		App: app, From: deploy.Blue, To: deploy.Green, Commit: commitA, Ahead: 1, Mirror: &mirrored,
		Copy: &deploy.CopyEstimate{Keys: 7, Bytes: 1500}, InFlight: -1, EstimatedHoldMS: 48, EstimatedFrom: "the newest cutover",
		StopWorkers: []string{"shop-blue-jobs-1"}, StartWorkers: []string{}, Obstacles: []string{"the router does not answer"},
	}, f.app(app)
}

func (f *fakeController) Rollback(_ context.Context, app string, t deploy.Trigger) (deploy.Deployment, error) {
	f.note(rolledBack{app, t})
	return queued(app), f.app(app)
}

func (f *fakeController) Push(ctx context.Context, app string, p deploy.Push) (deploy.Outcome, error) {
	f.note(p)
	if f.push != nil {
		return f.push(ctx, app, p)
	}
	return deploy.Outcome{Deployment: queued(app)}, f.app(app)
}

func (f *fakeController) Stop(ctx context.Context, app string, s deploy.Slice) error {
	f.note(stopped{app, s})
	if f.stop != nil {
		return f.stop(ctx, app, s)
	}
	return f.app(app)
}

func (f *fakeController) Routing(string) (deploy.Routing, error) {
	return deploy.Routing{Confirmed: true, Slice: deploy.Green, Generation: 7, Since: epoch}, nil
}
func (f *fakeController) Mirroring(_ context.Context, app string) (deploy.Mirroring, error) {
	return deploy.Mirroring{On: true, Mirror: mirrored}, f.app(app)
}

func (f *fakeController) SetMirroring(_ context.Context, app string, req deploy.MirrorRequest) (deploy.Mirroring, error) {
	f.note(mirrorSet{app, req})
	return deploy.Mirroring{On: req.On, Mirror: deploy.MirrorStatus{State: deploy.MirrorOff}}, f.app(app)
}

func (f *fakeController) Status(_ context.Context, app string) (deploy.Status, error) {
	running, last := queued(app), full(app)
	endpoints := []deploy.Endpoint{{Container: "shop-green-web-1", Address: "172.18.0.5:80"}}
	return deploy.Status{
		App: app, Live: deploy.Green, Previous: deploy.Blue,
		Route: deploy.Route{Slice: deploy.Green, Commit: commitA, Endpoints: endpoints, Previous: deploy.Blue, PreviousCommit: commitA, Generation: 3},
		Router: deploy.Routing{
			Since: epoch, Slice: deploy.Green, Generation: 7, Reason: "the router has not loaded the configuration in its files",
			Endpoints: []deploy.Occupant{{Address: "172.18.0.5:8080", Slice: deploy.Green, Container: "shop-green-web-1", ID: "0123456789ab"}},
		},
		Slices: []deploy.SliceStatus{
			{Slice: deploy.Blue},
			{Slice: deploy.Green, Commit: commitA, Endpoints: endpoints, Containers: []deploy.ContainerStatus{
				{Name: "shop-green-web-1", Service: "web", Image: "shop:1", State: "running", Health: "healthy", ExitCode: 1, Restarts: 2, Worker: true}}},
		},
		Mirroring: true, Mirror: &mirrored,
		Running: &running, Queued: []deploy.Deployment{queued(app)}, Last: &last,
	}, f.app(app)
}

func (f *fakeController) Deployments(_ context.Context, app string, limit int) ([]deploy.Deployment, error) {
	f.note(limit)
	return []deploy.Deployment{full(app), queued(app)}, f.app(app)
}

func (f *fakeController) Deployment(_ context.Context, id int64) (deploy.Deployment, error) {
	switch {
	case id == 7 && f.err == nil:
		return full("shop"), nil
	case id == 8:
		return queued("shop"), nil
	}
	if f.err != nil {
		return deploy.Deployment{}, f.err
	}
	return deploy.Deployment{}, deploy.ErrUnknownDeployment
}

func (f *fakeController) Events(ctx context.Context, id, after int64) (<-chan deploy.Event, error) {
	return f.events(ctx, id, after)
}
