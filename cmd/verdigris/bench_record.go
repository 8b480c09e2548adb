package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"verdigris/deploy"
)

// cutover is what the record of one deployment says about its cutover.
type cutover struct {
	ID    int64        `json:"id"`
	Kind  deploy.Kind  `json:"kind"`
	To    deploy.Slice `json:"to"`
	State deploy.State `json:"state"`
	// HoldMS is the time from hold to the end of release.
	HoldMS float64 `json:"hold_ms"`
	heldCounts

	window window
}

// heldCounts are the counts of a deployment's record.
type heldCounts struct {
	// Held is how many requests waited at the gate, LongestMS for how many milliseconds at most.
	Held      int   `json:"held"`
	LongestMS int64 `json:"longest_hold_ms"`
	// Stayed is how many requests, websockets included, stayed on the slice that was left.
	Stayed int `json:"stayed"`
}

// record reads what there is to know about a deployment that has ended.
func (b *bench) record(ctx context.Context, d deploy.Deployment) (cutover, error) {
	one := cutover{ID: d.ID, Kind: d.Kind, To: d.Slice, State: d.State}
	if err := b.api.call(ctx, http.MethodGet, fmt.Sprintf("/deployments/%d", d.ID), nil, &one.heldCounts); err != nil {
		return one, err
	}
	for _, p := range d.Phases {
		switch p.Phase {
		case deploy.PhaseHold:
			one.window.from = p.StartedAt
		case deploy.PhaseRelease:
			one.window.to = p.EndedAt
		}
	}
	if one.window.from.IsZero() { // nobody had to wait
		return one, nil
	}
	if one.window.to.IsZero() { // it was called off, and whoever waited has gone on by its end
		one.window.to = d.EndedAt
	}
	one.HoldMS = float64(one.window.to.Sub(one.window.from).Microseconds()) / 1000
	return one, nil
}

// String is a line for people.
func (o cutover) String() string {
	text := fmt.Sprintf("%s to %s took %.0f ms", o.Kind, o.To, o.HoldMS)
	if o.State != deploy.StateSucceeded {
		text = fmt.Sprintf("%s to %s: %s", o.Kind, o.To, o.State)
	}
	return fmt.Sprintf("%s, %d requests waited, at most %s, %d stayed", text, o.Held, time.Duration(o.LongestMS)*time.Millisecond, o.Stayed)
}
