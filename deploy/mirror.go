package deploy

import "time"

// MirrorState tells how the mirror of an app's data stands.
type MirrorState string

// The states of a mirror.
const (
	MirrorOff        MirrorState = "off"         // switched off, or nothing is live yet
	MirrorConnecting MirrorState = "connecting"  // looking at both sides
	MirrorCopying    MirrorState = "copying"     // the standby is being brought up to date
	MirrorInStep     MirrorState = "in_step"     // each write follows within milliseconds
	MirrorPaused     MirrorState = "paused"      // it writes nothing while it is not certain which slice answers; Reason says why
	MirrorBroken     MirrorState = "broken"      // Reason says why; it is tried again by itself
	MirrorImpossible MirrorState = "unavailable" // the servers cannot do it: cutovers copy instead
)

// MirrorStatus says how the mirror stands.
type MirrorStatus struct {
	State MirrorState `json:"state"`
	From  Slice       `json:"from,omitempty"`
	To    Slice       `json:"to,omitempty"`
	// Since is when it came into the state.
	Since time.Time `json:"since,omitzero"`
	// LagMS is how many milliseconds the newest write took from the source's stream to the standby, or how long the
	// oldest that has not arrived has been on its way.
	LagMS float64 `json:"lag_ms"`
	// Behind is how much of the source's stream has not been carried out yet, in bytes.
	Behind int64 `json:"behind_bytes"`
	// Copied and Found are the keys of a copy that is under way.
	Copied int64 `json:"copied,omitempty"`
	Found  int64 `json:"found,omitempty"`
	// Resyncs counts the copies that were made since verdigris started.
	Resyncs int64 `json:"resyncs"`
	// Reason and Next say why the mirror is broken or unavailable, and what to do.
	Reason string `json:"reason,omitempty"`
	Next   string `json:"next,omitempty"`
	// Fenced is the slice whose redis takes no writes of its app, because the traffic has left it.
	Fenced Slice `json:"fenced,omitempty"`
	// LeftMayWrite are the keys that its app may write all the same, as redis patterns.
	LeftMayWrite []string `json:"left_may_write,omitempty"`
	// Unfenced says why it is not, where it was to be.
	Unfenced string `json:"unfenced,omitempty"`
	// Unseen says when and why writes to the slice that is not live were not seen, where no mirror runs.
	Unseen string `json:"unseen,omitempty"`
	// Strays are the writes to selected keys that the standby's own app made. With a mirror the live slice's values took
	// their place; without one they count no more.
	Strays *Strays `json:"strays,omitempty"`
	// Kept are the standby's values that a copy has gone over although the standby's app could write: they are kept on the
	// standby's redis for some days.
	Kept *Kept `json:"kept,omitempty"`
}

// Kept are values that a copy has gone over.
type Kept struct {
	Slice Slice     `json:"slice"`
	Count int64     `json:"count"`
	Keys  []string  `json:"keys"`  // the first few, as they were called
	Below string    `json:"below"` // what their names begin with now
	Until time.Time `json:"until"` // when redis removes them
}

// Strays are writes that came to the slice that is not live.
type Strays struct {
	Slice Slice     `json:"slice"`
	Count int64     `json:"count"`
	Keys  []string  `json:"keys"` // the first few
	Last  time.Time `json:"last"`
}

// count is 0 for no strays at all.
func (s *Strays) count() int64 {
	if s == nil {
		return 0
	}
	return s.Count
}
