package deploy

import (
	"errors"
	"fmt"
	"time"
)

// Errors that callers tell apart with errors.Is.
var (
	ErrUnknownApp        = errors.New("there is no such app")
	ErrUnknownDeployment = errors.New("there is no such deployment")
	ErrUnknownCommit     = errors.New("the repository does not have that commit")
	ErrUnknownRef        = errors.New("the repository does not have that branch or tag")
	// ErrDataDiffers means that source and target were not equal after the copy.
	ErrDataDiffers = errors.New("the data of the two slices differs")
	// ErrRouteRefused means that the router refused the next route before any request could take it.
	ErrRouteRefused = errors.New("the router refused the new route")
	// ErrCannotAsk means that a router has no way to say where it sends requests.
	ErrCannotAsk = errors.New("the router cannot be asked where it sends requests")
	// ErrQueueFull means that no more operations can wait; the caller should try again later.
	ErrQueueFull = errors.New("too many operations are waiting")
)

// InputError says that a request cannot be carried out as it was made. Nothing was changed.
type InputError struct{ Reason string }

func (e *InputError) Error() string { return e.Reason }

// ConflictError says that a request does not fit the state that the app is in, e.g. deploying to the live slice.
// Nothing was changed. Next is what to do instead.
type ConflictError struct{ Reason, Next string }

func (e *ConflictError) Error() string {
	if e.Next == "" {
		return e.Reason
	}
	return fmt.Sprintf("%s; %s", e.Reason, e.Next)
}

// LoggedError is an error with the last lines that the failing container or build printed.
type LoggedError struct {
	Err   error
	Lines []string
}

func (e *LoggedError) Error() string { return e.Err.Error() }

// Unwrap returns the error behind the lines.
func (e *LoggedError) Unwrap() error { return e.Err }

// HintedError is an error with what a person can do about it.
type HintedError struct {
	Err  error
	Next string
}

func (e *HintedError) Error() string { return e.Err.Error() }

// Unwrap returns the error behind the hint.
func (e *HintedError) Unwrap() error { return e.Err }

// TooSoonError refuses to try again what has just been aborted.
type TooSoonError struct {
	Deployment int64
	Wait       time.Duration // until it may be tried again
}

func (e *TooSoonError) Error() string {
	return fmt.Sprintf("deployment %d of this push was aborted a moment ago: it may be tried again in %s", e.Deployment, e.Wait.Round(time.Second))
}
