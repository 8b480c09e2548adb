package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"verdigris/deploy"
)

// The exit codes; docs/cli.md lists them for scripts.
const (
	exitOK         = 0
	exitFailed     = 1 // something went wrong that no other code names
	exitInput      = 2 // the command line, the configuration or a request is not as it should be
	exitConflict   = 3 // the request does not fit the state that the app is in
	exitNoDaemon   = 4 // verdigris serve cannot be reached
	exitAborted    = 5 // the deployment ended before traffic moved; the live slice was not touched
	exitRolledBack = 6 // traffic had moved and was moved back
	exitSuperseded = 7 // a newer push took the deployment's place in the queue
	exitStuck      = 8 // the deployment failed and traffic could not be moved back: a person has to look
	exitInterrupt  = 130
)

// unreachableError says that no daemon answers.
type unreachableError struct {
	Where string
	Err   error
}

func (e *unreachableError) Error() string {
	return fmt.Sprintf("cannot reach verdigris at %s: %v", e.Where, e.Err)
}
func (e *unreachableError) Unwrap() error { return e.Err }

// endedError says that a deployment that was followed did not succeed. What there is to say has been printed.
type endedError struct{ Deployment deploy.Deployment }

func (e *endedError) Error() string {
	return fmt.Sprintf("deployment %d ended %s", e.Deployment.ID, e.Deployment.State)
}

// silentError carries an exit code for a command that has printed everything itself.
type silentError struct{ code int }

func (e *silentError) Error() string { return fmt.Sprintf("exit %d", e.code) }

// exit prints what err has to say and returns the exit code for it.
func (c *cli) exit(err error) int {
	if err == nil {
		return exitOK
	}
	code := exitFailed
	if c.started {
		code = exitCode(err)
	} else {
		code = exitInput
		err = &deploy.HintedError{Err: err, Next: "see verdigris --help"}
	}
	if !errors.As(err, new(*endedError)) && !errors.As(err, new(*silentError)) {
		c.printError(err, code)
	}
	return code
}

func exitCode(err error) int {
	var (
		ended   *endedError
		silent  *silentError
		problem *problemError
	)
	switch {
	case errors.As(err, &silent):
		return silent.code
	case errors.As(err, &ended):
		return stateCodes[ended.Deployment.State]
	case errors.As(err, &problem):
		return problem.exitCode()
	case errors.As(err, new(*unreachableError)):
		return exitNoDaemon
	case errors.As(err, new(*deploy.ConflictError)):
		return exitConflict
	case errors.As(err, new(*deploy.InputError)), errors.Is(err, deploy.ErrUnknownApp):
		return exitInput
	case errors.Is(err, context.Canceled):
		return exitInterrupt
	}
	return exitFailed
}

var stateCodes = map[deploy.State]int{
	deploy.StateSucceeded: exitOK, deploy.StateAborted: exitAborted, deploy.StateRolledBack: exitRolledBack,
	deploy.StateSuperseded: exitSuperseded, deploy.StateFailed: exitStuck,
}

func (p *problemError) exitCode() int {
	switch {
	case p.Status == http.StatusConflict:
		return exitConflict
	case p.Status == http.StatusTooManyRequests:
		return exitFailed
	case p.Status >= 400 && p.Status < 500:
		return exitInput
	}
	return exitFailed
}

// printError writes an error for people to stderr, or for programs, with --json, to stdout.
func (c *cli) printError(err error, code int) {
	next := nextStep(err)
	if c.json {
		// A stream that cannot be written to has nobody who could be told.
		_ = json.NewEncoder(c.out).Encode(map[string]any{"error": map[string]any{"message": err.Error(), "next": next, "code": code}})
		return
	}
	fmt.Fprintf(c.err, "error: %v\n", err)
	var logged *deploy.LoggedError
	if errors.As(err, &logged) {
		for _, line := range logged.Lines {
			fmt.Fprintf(c.err, "  | %s\n", line)
		}
	}
	if next != "" {
		fmt.Fprintf(c.err, "next:  %s\n", next)
	}
}

func nextStep(err error) string {
	var hinted *deploy.HintedError
	if errors.As(err, &hinted) {
		return hinted.Next
	}
	var problem *problemError
	if errors.As(err, &problem) {
		return problem.Next
	}
	if errors.As(err, new(*unreachableError)) {
		return "start it with `verdigris serve`, or name another with --server or --config"
	}
	return ""
}
