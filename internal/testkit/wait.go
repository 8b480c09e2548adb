package testkit

import (
	"errors"
	"testing"
	"time"
)

// Patience is how long a test waits for what must happen: long enough for a busy machine.
const Patience = 30 * time.Second

// pollEvery is the pause between two looks at a condition.
const pollEvery = 5 * time.Millisecond

var errNotYet = errors.New("it is not so")

// Eventually waits until the condition holds, and ends the test if it does not within Patience.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	Within(t, Patience, what, func() error {
		if holds() {
			return nil
		}
		return errNotYet
	})
}

// Within waits until the condition returns nil, and ends the test with its last error if it does not in time.
func Within(t testing.TB, limit time.Duration, what string, condition func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := condition()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s: %v", what, limit, err)
		}
		time.Sleep(pollEvery)
	}
}
