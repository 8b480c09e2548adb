// Package history records what clients did to lists, pushes at the head, pops at the tail and looks at the newest, and
// checks in the style of Jepsen that it could have happened one after another: that the history is linearizable. Where
// it is not, it prints the few operations that show it.
//
// Three things are asked of a history: every value is pushed once, the lists are empty at the beginning, and an operation
// whose end is not known says so.
package history

import (
	"sync"
	"time"
)

// Kind says what an operation does.
type Kind string

// The kinds of operations.
const (
	Push Kind = "push" // puts Value at the head
	Pop  Kind = "pop"  // takes Value from the tail; nothing when it is empty
	Peek Kind = "peek" // sees Value at the head; nothing when it is empty
)

// Outcome says what the one who asked knows about an operation.
type Outcome string

// The outcomes. Unknown means that the operation may have been done, or be done at any time later.
const (
	OK      Outcome = "ok"
	Fail    Outcome = "fail"
	Unknown Outcome = "unknown"
)

// Operation is one operation on one list.
type Operation struct {
	Process  int // who asked; one at a time
	Key      string
	Kind     Kind
	Value    string
	Called   time.Time
	Returned time.Time
	Outcome  Outcome
	// Slice is the slice that answered, where that is known.
	Slice string
	// Note says what went wrong, where something did.
	Note string
}

// History is what happened. Several processes may add to it at a time.
type History struct {
	mu  sync.Mutex
	ops []Operation
}

// Add adds an operation that has ended.
func (h *History) Add(op Operation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, op)
}

// Operations returns all operations so far, in the order in which they ended.
func (h *History) Operations() []Operation {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Operation(nil), h.ops...)
}
