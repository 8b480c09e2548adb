package deploy

// DeployRequest asks for a release on a slice.
type DeployRequest struct {
	// Slice is blue, green or staging; empty takes the idle slice.
	Slice Slice
	// Commit is what to deploy; empty takes the head of the app's branch.
	Commit Commit
	// Rebuild builds without the cache.
	Rebuild bool
	// Promote moves the traffic afterwards.
	Promote bool
	Trigger Trigger
}

// SwitchRequest asks to move the traffic.
type SwitchRequest struct {
	// To is the slice to move to; empty takes the other one.
	To      Slice
	Trigger Trigger
}

// Outcome says what became of a push.
type Outcome struct {
	// Deployment is the one that was queued, or the one that the push duplicates; zero when it was ignored.
	Deployment Deployment `json:"deployment,omitzero"`
	Duplicate  bool       `json:"duplicate,omitempty"`
}

// Status is how an app stands: what the router, the engine and the journal say.
type Status struct {
	App      string `json:"app"`
	Live     Slice  `json:"live,omitempty"`     // empty when nothing is live yet
	Previous Slice  `json:"previous,omitempty"` // where a rollback goes; empty when there is none
	Route    Route  `json:"route"`
	// Slices are blue, green and, where the app has one, staging.
	Slices []SliceStatus `json:"slices"`
	// Running is the deployment that is being carried out; Queued are those that wait.
	Running *Deployment  `json:"running,omitempty"`
	Queued  []Deployment `json:"queued"`
	// Last is the newest deployment that ended.
	Last *Deployment `json:"last,omitempty"`
}
