package webhooks

import "net/http"

// SignatureProblem says what is wrong with a signature.
type SignatureProblem string

// The problems of signatures.
const (
	SignatureMissing   SignatureProblem = "the delivery has no signature; set the webhook's secret at the forge"
	SignatureMalformed SignatureProblem = "the signature is malformed or cut short"
	SignatureWrong     SignatureProblem = "the signature does not fit the body and any configured secret"
)

// SignatureError says that a delivery was not signed with one of the secrets.
type SignatureError struct{ Problem SignatureProblem }

func (e *SignatureError) Error() string { return string(e.Problem) }

// StatusCode returns the HTTP status that answers such a delivery: 401.
func (e *SignatureError) StatusCode() int { return http.StatusUnauthorized }

// PayloadError says that a well-signed delivery does not have the form that its forge documents.
type PayloadError struct{ Reason string }

func (e *PayloadError) Error() string { return "read payload: " + e.Reason }

// StatusCode returns the HTTP status that answers such a delivery: 400.
func (e *PayloadError) StatusCode() int { return http.StatusBadRequest }

// MediaTypeError says that a well-signed body has a content type that the receiver does not read.
type MediaTypeError struct{ Got string }

func (e *MediaTypeError) Error() string {
	return "content type \"" + clip(e.Got, 100) + "\" is not supported: set the webhook to application/json"
}

// StatusCode returns the HTTP status that answers such a delivery: 415.
func (e *MediaTypeError) StatusCode() int { return http.StatusUnsupportedMediaType }
