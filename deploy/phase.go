package deploy

import "time"

// Phase names one step of a runbook.
type Phase string

// The phases in the order in which a push goes through them. Hold to Release is the cutover. Workers comes before it for
// the slice that is left, and after it for the new one.
const (
	PhaseFetch   Phase = "fetch"
	PhaseBuild   Phase = "build"
	PhaseMigrate Phase = "migrate"
	PhaseStart   Phase = "start"
	PhaseProbe   Phase = "probe"
	PhaseCopy    Phase = "copy"
	PhaseWorkers Phase = "workers"
	PhaseHold    Phase = "hold"
	PhaseSettle  Phase = "settle"
	PhaseRoute   Phase = "route"
	PhaseRelease Phase = "release"
	PhaseTurn    Phase = "turn"
	PhaseVerify  Phase = "verify"
	PhaseWatch   Phase = "watch"
	PhaseKeep    Phase = "keep"
	// PhaseReturn is the cutover back to the previous slice after a failure past the point of no return.
	PhaseReturn Phase = "return"
)

// PhaseState tells how a phase stands.
type PhaseState string

// The states of a phase.
const (
	PhaseRunning PhaseState = "running"
	PhaseDone    PhaseState = "done"
	PhaseFailed  PhaseState = "failed"
)

// PhaseRecord is the journal's line about one phase of one deployment. It is written before the phase begins.
type PhaseRecord struct {
	Phase     Phase      `json:"phase"`
	State     PhaseState `json:"state"`
	StartedAt time.Time  `json:"started_at"`
	EndedAt   time.Time  `json:"ended_at,omitzero"`
	// Detail says in a few words what the phase did, e.g. "1,000,000 items copied".
	Detail string `json:"detail,omitempty"`
	Error  string `json:"error,omitempty"`
}

// Seconds returns how long the phase took; 0 while it runs.
func (p PhaseRecord) Seconds() float64 {
	if p.EndedAt.IsZero() {
		return 0
	}
	return p.EndedAt.Sub(p.StartedAt).Seconds()
}
