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

// MirrorRequest switches the mirror.
type MirrorRequest struct {
	On bool
	// From is the slice whose data is the right one, after the live redis came back with less than it had; empty where nobody
	// has to decide.
	From Slice
}

// Outcome says what became of a push.
type Outcome struct {
	// Deployment is the one that was queued, or the one that the push duplicates.
	Deployment Deployment `json:"deployment"`
	Duplicate  bool       `json:"duplicate,omitempty"`
}
