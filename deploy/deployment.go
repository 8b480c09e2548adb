package deploy

import "time"

// Kind says which runbook a deployment follows.
type Kind string

// The kinds of deployments.
const (
	KindDeploy   Kind = "deploy"
	KindSwitch   Kind = "switch"
	KindRollback Kind = "rollback"
)

// State tells how a deployment stands.
type State string

// The states of a deployment. Aborted means that the live slice was never touched; RolledBack that the traffic
// had moved and was moved back; Failed that it could not be moved back and a person has to look;
// Superseded that a newer push took its place in the queue.
const (
	StateQueued     State = "queued"
	StateRunning    State = "running"
	StateSucceeded  State = "succeeded"
	StateAborted    State = "aborted"
	StateRolledBack State = "rolled_back"
	StateFailed     State = "failed"
	StateSuperseded State = "superseded"
)

// Ended tells whether a deployment in that state is over.
func (s State) Ended() bool { return s != StateQueued && s != StateRunning }

// Trigger says who asked for a deployment.
type Trigger struct {
	// By is "push", "api" or "cli".
	By string `json:"by"`
	// Who is the pusher or the name of the token, where known.
	Who string `json:"who,omitempty"`
	// Ref is the pushed ref, e.g. refs/heads/main; empty otherwise.
	Ref string `json:"ref,omitempty"`
	// Forge and Delivery identify the webhook delivery behind a push.
	Forge    string `json:"forge,omitempty"`
	Delivery string `json:"delivery,omitempty"`
}

// Deployment is one operation on an app and its record.
type Deployment struct {
	ID   int64  `json:"id"`
	App  string `json:"app"`
	Kind Kind   `json:"kind"`
	// Slice is the slice that is deployed to, or that traffic moves to. It is empty while a queued deployment to
	// the idle slice waits: which one that is shows when its turn comes.
	Slice Slice `json:"slice,omitempty"`
	// From is the slice that was live when the deployment began; empty when nothing was.
	From Slice `json:"from,omitempty"`
	// Commit is what is deployed; for a switch or rollback what the slice runs.
	Commit  Commit `json:"commit,omitempty"`
	Subject string `json:"subject,omitempty"`
	// Promote tells whether the deployment moves the traffic.
	Promote bool `json:"promote"`
	// Rebuild tells that images are built without the cache.
	Rebuild   bool          `json:"rebuild,omitempty"`
	Trigger   Trigger       `json:"trigger"`
	State     State         `json:"state"`
	Phases    []PhaseRecord `json:"phases"`
	Error     *Failure      `json:"error,omitempty"`
	CreatedAt time.Time     `json:"created_at"`
	StartedAt time.Time     `json:"started_at,omitzero"`
	EndedAt   time.Time     `json:"ended_at,omitzero"`
	// Images are the ids that Runtime.Build returned, by compose service; Digests are name@sha256:... of those that came
	// from a registry.
	Images  map[string]string `json:"images,omitempty"`
	Digests map[string]string `json:"digests,omitempty"`
	// Stayed is how many requests, websockets included, stayed on the slice that was left.
	Stayed int `json:"stayed,omitempty"`
	// Held is how many requests waited at the gate, LongestHold for how many milliseconds at most.
	Held        int   `json:"held,omitempty"`
	LongestHold int64 `json:"longest_hold_ms,omitempty"`
}

// Hold returns how long the deployment's cutover took from the beginning of hold to the end of release, which is the most
// that a request can have waited; ok is false where there was none.
func (d Deployment) Hold() (took time.Duration, ok bool) {
	var begin time.Time
	for _, p := range d.Phases {
		switch {
		case p.Phase == PhaseHold:
			begin = p.StartedAt
		case p.Phase == PhaseRelease && !begin.IsZero() && !p.EndedAt.IsZero():
			return p.EndedAt.Sub(begin), true
		}
	}
	return 0, false
}

// Failure says, for people, why a deployment did not succeed.
type Failure struct {
	Phase Phase `json:"phase"`
	// Reason is what failed and why.
	Reason string `json:"reason"`
	// Serving says what still answers requests.
	Serving string `json:"serving"`
	// Next is the command or action to try next.
	Next string `json:"next"`
	// Log holds the last lines of the failing container or build, where there are any.
	Log []string `json:"log,omitempty"`
}
