package deploy

import "time"

// Push is what a forge said about one push to one ref, after its signature has been verified.
type Push struct {
	Forge string `json:"forge"` // "github"
	// Delivery is the forge's id of this delivery; a redelivery keeps it.
	Delivery string `json:"delivery"`
	// Repository is the full name that the payload gives. It is for people and logs alone: what is fetched
	// comes from the configuration, never from a payload.
	Repository string `json:"repository"`
	Ref        string `json:"ref"`              // e.g. refs/heads/main
	Branch     string `json:"branch,omitempty"` // main, for refs/heads/main
	Tag        string `json:"tag,omitempty"`    // v1, for refs/tags/v1
	Commit     Commit `json:"commit"`           // the head after the push
	Before     Commit `json:"before,omitempty"` // the head before the push
	Subject    string `json:"subject,omitempty"`
	Pusher     string `json:"pusher,omitempty"`
	Forced     bool   `json:"forced,omitempty"`
	Deleted    bool   `json:"deleted,omitempty"`
	// Paths are the files that the listed commits touch; PathsKnown is false where the forge cut the list
	// short or sent none, and a path filter then lets the push pass.
	Paths      []string  `json:"-"`
	PathsKnown bool      `json:"-"`
	ReceivedAt time.Time `json:"received_at"`
}
