package deploy

import "fmt"

// StepState says how far a step of a build is.
type StepState string

// The states of a step.
const (
	StepStarted StepState = "started"
	StepOutput  StepState = "output" // the line is what the step printed
	StepCached  StepState = "cached" // nothing had to be done
	StepDone    StepState = "done"
	StepFailed  StepState = "failed"
)

// Step is the step of a build that a log line is about. Steps of several services may run at the same time.
type Step struct {
	Service string    `json:"service"`
	Name    string    `json:"name"` // as the builder calls it: [build 2/5] RUN make
	State   StepState `json:"state"`
	// Seconds is how long the step took, once it is done or has failed.
	Seconds float64 `json:"seconds,omitempty"`
}

// String is the step as a line for people: web [build 2/5] RUN make: done in 3.1 s.
func (s Step) String() string {
	line := s.Service + " " + s.Name
	switch s.State {
	case StepCached:
		return line + ": cached"
	case StepDone:
		return fmt.Sprintf("%s: done in %.1f s", line, s.Seconds)
	case StepFailed:
		return fmt.Sprintf("%s: failed after %.1f s", line, s.Seconds)
	}
	return line
}
