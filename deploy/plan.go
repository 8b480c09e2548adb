package deploy

import (
	"context"
	"fmt"
	"time"
)

// planWithin bounds the looks that a plan takes.
const planWithin = 20 * time.Second

// SwitchPlan says what a switch would do now. Nothing was changed to find out.
type SwitchPlan struct {
	App    string `json:"app"`
	From   Slice  `json:"from,omitempty"` // empty when nothing is live yet
	To     Slice  `json:"to"`
	Commit Commit `json:"commit,omitempty"` // the release that would be live
	// Ahead is how many operations would be carried out before it.
	Ahead int `json:"ahead"`
	// Mirror and Copy are missing without data; Copy also where it could not be estimated.
	Mirror *MirrorStatus `json:"mirror,omitempty"`
	Copy   *CopyEstimate `json:"copy,omitempty"`
	// InFlight is how many requests the router is serving, websockets included; -1 where it cannot tell.
	InFlight int `json:"in_flight"`
	// EstimatedHoldMS is for how many milliseconds requests would wait at most, and EstimatedFrom what that is taken from.
	EstimatedHoldMS int64  `json:"estimated_hold_ms"`
	EstimatedFrom   string `json:"estimated_from"`
	// StopWorkers and StartWorkers name the worker containers of the one slice and the other.
	StopWorkers  []string `json:"stop_workers"`
	StartWorkers []string `json:"start_workers"`
	// Obstacles are what would make the switch fail as things stand.
	Obstacles []string `json:"obstacles"`
}

// planSwitch looks at everything that a switch would touch. What a switch is refused for, its plan is refused for too.
func (w *worker) planSwitch(ctx context.Context, to Slice) (SwitchPlan, error) {
	ctx, cancel := context.WithTimeout(ctx, planWithin)
	defer cancel()
	route, err := w.Router.Current(ctx)
	if err != nil {
		return SwitchPlan{}, err
	}
	target, err := w.maySwitch(ctx, route, to)
	if err != nil {
		return SwitchPlan{}, err
	}
	if w.queue.full(false) {
		return SwitchPlan{}, ErrQueueFull
	}
	p := SwitchPlan{
		App: w.app.Name, From: route.Slice, To: target.Slice, Commit: target.Commit, Ahead: w.queue.length(),
		StopWorkers: []string{}, StartWorkers: listed(target.workers()), Obstacles: []string{},
	}
	w.planHealth(ctx, &p, target)
	w.planTraffic(ctx, &p)
	w.planData(ctx, &p)
	if err := w.planWorkers(ctx, &p); err != nil {
		return SwitchPlan{}, err
	}
	return p, w.planHold(ctx, &p)
}

func (p *SwitchPlan) obstacle(what string, err error) {
	p.Obstacles = append(p.Obstacles, fmt.Sprintf("%s: %v", what, err))
}

// planHealth asks the slice for one sign of life, as the switch would. Smoke checks are left out: they may change
// something.
func (w *worker) planHealth(ctx context.Context, p *SwitchPlan, target SliceStatus) {
	if _, err := w.answering(ctx, target); err != nil {
		p.obstacle(fmt.Sprintf("%s is not healthy", target.Slice), ExplainReach(ctx, w.Runtime, target.Slice, err))
	}
}

func (w *worker) planTraffic(ctx context.Context, p *SwitchPlan) {
	n, err := w.Router.InFlight(ctx)
	if err != nil {
		n = -1
		p.obstacle("the router does not answer", err)
	}
	p.InFlight = n
}

func (w *worker) planData(ctx context.Context, p *SwitchPlan) {
	if w.Data == nil {
		return
	}
	mirror := w.Data.Mirrored()
	p.Mirror = &mirror
	if p.From == "" {
		return
	}
	estimate, err := w.Data.Estimate(ctx, p.From, p.To)
	if err != nil {
		p.obstacle("the data cannot be copied", err)
		return
	}
	p.Copy = &estimate
}

func (w *worker) planWorkers(ctx context.Context, p *SwitchPlan) error {
	if p.From == "" {
		return nil
	}
	observed, err := w.Runtime.Observe(ctx, p.From)
	if err != nil {
		return err
	}
	p.StopWorkers = listed(observed.workers())
	return nil
}

func (w *worker) planHold(ctx context.Context, p *SwitchPlan) error {
	if p.From == "" {
		p.EstimatedFrom = "nothing is live, so no request has to wait"
		return nil
	}
	recent, err := w.journal.List(ctx, w.app.Name, 0)
	if err != nil {
		return err
	}
	var hold time.Duration
	if hold, p.EstimatedFrom = pastHold(recent); hold == 0 {
		hold, p.EstimatedFrom = assumedHold(p.Copy)
	}
	p.EstimatedHoldMS = hold.Milliseconds()
	return nil
}
