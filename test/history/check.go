package history

import (
	"fmt"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// Check tells whether the history is linearizable, each list by itself. The error is a *Violation where it is not, and
// says so where that could not be found out within the time: the search is quick as long as only a few processes, say
// four, are busy with one list all the time.
func (h *History) Check(within time.Duration) error {
	lists, err := byKey(h.Operations())
	if err != nil {
		return err
	}
	for _, k := range lists {
		if err := k.check(within); err != nil {
			return err
		}
	}
	return nil
}

func (k *keyed) check(within time.Duration) error {
	if f := k.flaw(); f != nil {
		return k.flawed(f)
	}
	history := make([]porcupine.Operation, len(k.ops))
	for i, op := range k.ops {
		s := k.span(op)
		history[i] = porcupine.Operation{ClientId: op.Process, Input: i, Call: s.called, Return: s.returned}
	}
	switch result, info := porcupine.CheckOperationsVerbose(k.model(), history, within); result {
	case porcupine.Ok:
		return nil
	case porcupine.Illegal:
		return k.violation(longest(info))
	}
	return fmt.Errorf("whether the history of %s is linearizable could not be found out within %s: it has %d operations, %d of them pops with an unknown end",
		k.key, within, len(k.ops), k.loose)
}

// longest returns the operations of the longest order that the search found.
func longest(info porcupine.LinearizationInfo) []int {
	var found []int
	for _, order := range slices.Concat(info.PartialLinearizations()...) {
		if len(order) > len(found) {
			found = order
		}
	}
	return found
}
