package history

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Violation is a history of a list that cannot have happened one operation after another. Its text is for people.
type Violation struct {
	Key string
	// Stuck is the operation that fits nowhere, and Expected what would have fitted.
	Stuck    Operation
	Expected string
	// Fitted is how many operations fit before it, and List what the list held by then, the oldest first, where an order
	// was looked for.
	Fitted int
	List   []string
	// Around are the operations that show it, by the time of their calls.
	Around []Operation

	begin time.Time
}

// How much of a list, and how many operations before and after the one that does not fit, are shown.
const (
	shownValues = 8
	shownBefore = 4
	shownAfter  = 3
)

// flawed tells of an operation that cannot be.
func (k *keyed) flawed(f *flaw) *Violation {
	return &Violation{Key: k.key, Stuck: f.op, Expected: f.expected, Around: k.around(f.op, f.culprit), begin: k.begin}
}

// violation explains what comes after an order that leads no further.
func (k *keyed) violation(order []int) *Violation {
	v := &Violation{Key: k.key, Fitted: len(order), begin: k.begin}
	fitted := make([]bool, len(k.ops))
	for _, i := range order {
		fitted[i] = true
		v.List = k.replay(v.List, k.ops[i])
	}
	stuck := -1 // of what is left, the one that ended first: none of the others can come before it
	for i := range k.ops {
		if !fitted[i] && (stuck < 0 || k.span(k.ops[i]).returned < k.span(k.ops[stuck]).returned) {
			stuck = i
		}
	}
	v.Stuck = k.ops[stuck]
	culprit := k.explain(v)
	v.Around = k.around(v.Stuck, culprit)
	return v
}

// replay carries out an operation that fits on a list.
func (k *keyed) replay(list []string, op Operation) []string {
	switch {
	case op.Kind == Push:
		return append(list, op.Value)
	case op.Kind == Peek || len(list) == 0:
		return list
	case op.Outcome == Unknown:
		if _, taken := k.taken[k.ids[list[0]]]; taken {
			return list
		}
	}
	return list[1:]
}

// explain says what would have fitted, and returns the other value that it is about.
func (k *keyed) explain(v *Violation) (culprit string) {
	op := v.Stuck
	switch {
	case op.Kind == Push:
		culprit = k.inFront(v.List, op.Value)
		v.Expected = fmt.Sprintf("%q to be taken before %q, since it came before it", culprit, op.Value)
		return culprit
	case len(v.List) == 0:
		v.Expected = "an empty list"
	case op.Kind == Peek:
		culprit = v.List[len(v.List)-1]
	default:
		culprit = v.List[0]
	}
	if culprit != "" {
		v.Expected = fmt.Sprintf("%q", culprit)
	}
	return culprit
}

// inFront returns the value of the list that has to be taken before another one and is not.
func (k *keyed) inFront(list []string, value string) string {
	for _, before := range list {
		taken, ever := k.taken[k.ids[before]]
		if !ever || taken.called > k.taken[k.ids[value]].returned {
			return before
		}
	}
	return ""
}

// around returns the operations about the two values, and a few that are next to the one that is stuck.
func (k *keyed) around(stuck Operation, culprit string) (list []Operation) {
	at := slices.Index(k.all, stuck)
	for i, op := range k.all {
		about := op.Value != "" && (op.Value == stuck.Value || op.Value == culprit)
		if about || i >= at-shownBefore && i <= at+shownAfter {
			list = append(list, op)
		}
	}
	return list
}

// Error prints the violation: what was seen and expected, the list, and the operations that show it.
func (v *Violation) Error() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s is not linearizable:\n  %s\n  expected %s\n", v.Key, v.line(v.Stuck), v.Expected)
	if v.Fitted > 0 {
		fmt.Fprintf(&s, "  %d operations fit before it; the list by then, the oldest first: %s\n", v.Fitted, shown(v.List))
	}
	fmt.Fprintf(&s, "around it:\n")
	for _, op := range v.Around {
		mark := " "
		if op == v.Stuck {
			mark = ">"
		}
		fmt.Fprintf(&s, "%s %s\n", mark, v.line(op))
	}
	return strings.TrimSuffix(s.String(), "\n")
}

// line prints an operation with its times in seconds since the history began.
func (v *Violation) line(op Operation) string {
	what := fmt.Sprintf("%s -> %q", op.Kind, op.Value)
	switch {
	case op.Kind == Push:
		what = fmt.Sprintf("push %q", op.Value)
	case op.Outcome != OK:
		what = string(op.Kind)
	case op.Value == "":
		what = fmt.Sprintf("%s -> nothing", op.Kind)
	}
	line := fmt.Sprintf("%9.4f to %9.4f  process %-3d %-28s %-6s %s %s", op.Called.Sub(v.begin).Seconds(),
		op.Returned.Sub(v.begin).Seconds(), op.Process, what, op.Slice, op.Outcome, op.Note)
	return strings.TrimRight(line, " ")
}

func shown(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	text := strings.Join(list[:min(len(list), shownValues)], ", ")
	if more := len(list) - shownValues; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
