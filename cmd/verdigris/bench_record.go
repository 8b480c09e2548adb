package main

import (
	"fmt"

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

// heldCounts tells of the requests that a cutover, or all of them, met.
type heldCounts struct {
	// Held is how many requests waited at the gate, LongestMS for how many milliseconds at most.
	Held      int   `json:"held"`
	LongestMS int64 `json:"longest_hold_ms"`
	// Stayed is how many requests, websockets included, stayed on the slice that was left.
	Stayed int `json:"stayed"`
}

// cutoverOf picks from the record of a deployment that has ended.
func cutoverOf(d deploy.Deployment) cutover {
	held := heldOf(d)
	return cutover{
		ID: d.ID, Kind: d.Kind, To: d.Slice, State: d.State, window: held,
		HoldMS:     float64(held.to.Sub(held.from).Microseconds()) / 1000,
		heldCounts: heldCounts{Held: d.Held, LongestMS: d.LongestHold, Stayed: d.Stayed},
	}
}

// heldOf returns when requests waited. It is empty where nobody had to.
func heldOf(d deploy.Deployment) (held window) {
	for _, p := range d.Phases {
		switch p.Phase {
		case deploy.PhaseHold:
			held.from = p.StartedAt
		case deploy.PhaseRelease:
			held.to = p.EndedAt
		}
	}
	if !held.from.IsZero() && held.to.IsZero() { // it was called off, and whoever waited has gone on by its end
		held.to = d.EndedAt
	}
	return held
}

// String is a line for people.
func (o cutover) String() string {
	text := fmt.Sprintf("%s to %s took %.0f ms", o.Kind, o.To, o.HoldMS)
	if o.State != deploy.StateSucceeded {
		text = fmt.Sprintf("%s to %s: %s", o.Kind, o.To, o.State)
	}
	return fmt.Sprintf("%s, %d requests waited, at most %d ms, %d stayed", text, o.Held, o.LongestMS, o.Stayed)
}
