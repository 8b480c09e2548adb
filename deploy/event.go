package deploy

import "time"

// EventType says what an event tells.
type EventType string

// The types of events.
const (
	EventState    EventType = "state"    // the deployment entered State
	EventPhase    EventType = "phase"    // a phase began, ended or failed: Record
	EventProgress EventType = "progress" // Message says how far the running phase is
	EventLog      EventType = "log"      // Message is one line of a build, job or container
)

// Event is one thing that happened in a deployment. Events of a deployment are numbered from 1 without gaps, so
// that a reader who lost the connection can go on after the last number it saw.
type Event struct {
	Deployment int64        `json:"deployment"`
	Seq        int64        `json:"seq"`
	Time       time.Time    `json:"time"`
	Type       EventType    `json:"type"`
	State      State        `json:"state,omitempty"`
	Phase      Phase        `json:"phase,omitempty"`
	Record     *PhaseRecord `json:"record,omitempty"`
	Message    string       `json:"message,omitempty"`
	// Step says in fields what Message says of a step of a build.
	Step *Step `json:"step,omitempty"`
}

// Log takes one line of output at a time, without its newline, and the step of a build that it is about, if it is about
// one. It may be called from several goroutines.
type Log func(line string, about ...Step)
