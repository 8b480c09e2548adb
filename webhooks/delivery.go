package webhooks

import (
	"net/http"

	"verdigris/deploy"
)

// Receiver turns one forge's deliveries into pushes. Receive verifies the signature over the raw body before it
// reads anything else; its errors are *SignatureError, *PayloadError and *MediaTypeError.
type Receiver interface {
	Receive(header http.Header, body []byte) (Delivery, error)
}

// Kind says what a verified delivery asks for.
type Kind string

// The kinds of deliveries. A forge expects a 2xx answer to each of them.
const (
	KindPing    Kind = "ping"    // the webhook was just set up
	KindPush    Kind = "push"    // Push is filled
	KindIgnored Kind = "ignored" // nothing to do: Reason says why
)

// Delivery is one verified message of a forge.
type Delivery struct {
	Kind Kind
	// ID is the forge's id of the delivery; a redelivery keeps it.
	ID string
	// Event is the forge's own name of what happened, e.g. "push" or "issues".
	Event string
	// Repository is the full name that the payload gives, e.g. "acme/gallery"; empty where it gives none.
	Repository string
	// Reason says why a delivery is ignored, or what is wrong with the webhook that sent a ping.
	Reason string
	// Push is filled for KindPush.
	Push deploy.Push
}
