package history

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// flaw is an operation that cannot be, and why.
type flaw struct {
	op       Operation
	expected string
	culprit  string // the other value that it is about
}

// flaw looks for the ways in which a queue of values that are all different can go wrong. Each takes two or three
// operations to show, and none needs a search: what the search finds beyond them is rare, and takes long to find.
func (k *keyed) flaw() *flaw {
	for _, look := range []func() *flaw{k.nowhere, k.again, k.missing, k.misplaced, k.unseen} {
		if f := look(); f != nil {
			return f
		}
	}
	return nil
}

// nowhere finds a value that was seen before anybody had pushed it.
func (k *keyed) nowhere() *flaw {
	for _, op := range k.ops {
		if op.Kind == Push || op.Value == "" {
			continue
		}
		pushed, ever := k.pushed[k.ids[op.Value]]
		if !ever {
			return &flaw{op: op, expected: fmt.Sprintf("anything else: nobody pushed %q, or it was refused", op.Value)}
		}
		if pushed.called > k.span(op).returned {
			return &flaw{op: op, expected: fmt.Sprintf("anything else: %q was pushed later", op.Value)}
		}
	}
	return nil
}

// again finds a value that was popped twice, or seen after it had been popped.
func (k *keyed) again() *flaw {
	popped := map[string]Operation{}
	for _, op := range k.ops {
		before, ever := popped[op.Value]
		switch {
		case op.Kind == Push || op.Value == "":
		case ever && (op.Kind == Pop || before.Returned.Before(op.Called)):
			return &flaw{op: op, expected: fmt.Sprintf("anything else: process %d took %q at %.4f", before.Process, op.Value, before.Called.Sub(k.begin).Seconds())}
		case op.Kind == Pop:
			popped[op.Value] = op
		}
	}
	return nil
}

// missing finds a value that was pushed before another one and is never taken, although the other one is; more of them
// than pops without an answer.
func (k *keyed) missing() *flaw {
	var lost []Operation
	for _, op := range k.ops {
		if _, taken := k.taken[k.ids[op.Value]]; op.Kind == Push && op.Outcome == OK && !taken {
			lost = append(lost, op)
		}
	}
	slices.SortFunc(lost, func(a, b Operation) int { return a.Returned.Compare(b.Returned) })
	if len(lost) <= k.loose {
		return nil
	}
	first := lost[k.loose] // with it, more are lost than pops can have taken
	for _, op := range k.ops {
		switch _, taken := k.taken[k.ids[op.Value]]; {
		case !first.Returned.Before(op.Called):
		case op.Kind == Push && taken:
			return &flaw{op: k.popOf(op.Value), culprit: first.Value,
				expected: fmt.Sprintf("%q, which was pushed before %q; nobody ever takes it: it is lost", first.Value, op.Value)}
		case op.Kind != Push && op.Value == "" && op.Outcome == OK:
			return &flaw{op: op, culprit: first.Value, expected: fmt.Sprintf("%q; nobody ever takes it: it is lost", first.Value)}
		}
	}
	return nil
}

// sweep goes through the operations by the time of their calls. Before each it tells of the pushes that had ended by then.
func (k *keyed) sweep(ended func(push Operation), begun func(op Operation) *flaw) *flaw {
	pushes := slices.DeleteFunc(slices.Clone(k.ops), func(op Operation) bool { return op.Kind != Push })
	slices.SortFunc(pushes, func(a, b Operation) int { return cmp.Compare(k.span(a).returned, k.span(b).returned) })
	for _, op := range k.ops {
		for ; len(pushes) > 0 && k.span(pushes[0]).returned < k.span(op).called; pushes = pushes[1:] {
			ended(pushes[0])
		}
		if f := begun(op); f != nil {
			return f
		}
	}
	return nil
}

// misplaced finds two values that were taken in another order than they were pushed.
func (k *keyed) misplaced() *flaw {
	latest, culprit := int64(math.MinInt64), ""
	return k.sweep(func(push Operation) {
		if taken, ever := k.taken[k.ids[push.Value]]; ever && taken.called > latest {
			latest, culprit = taken.called, push.Value
		}
	}, func(op Operation) *flaw {
		if taken, ever := k.taken[k.ids[op.Value]]; op.Kind != Push || !ever || taken.returned >= latest {
			return nil
		}
		return &flaw{op: k.popOf(op.Value), culprit: culprit, expected: fmt.Sprintf("%q, which was pushed before %q and is taken after it", culprit, op.Value)}
	})
}

// unseen finds a look at the list that does not see what is in it: an empty one, or one that sees an older value.
func (k *keyed) unseen() *flaw {
	newest, newestValue := int64(math.MinInt64), ""
	lasting, lastingValue := int64(math.MinInt64), "" // the value that is taken last
	return k.sweep(func(push Operation) {
		if called := k.span(push).called; called > newest {
			newest, newestValue = called, push.Value
		}
		if until := k.until(push.Value); until > lasting {
			lasting, lastingValue = until, push.Value
		}
	}, func(op Operation) *flaw {
		switch {
		case op.Kind == Push || op.Outcome != OK:
		case op.Value == "" && lasting > k.span(op).returned:
			return &flaw{op: op, culprit: lastingValue, expected: fmt.Sprintf("something, since %q is in the list", lastingValue)}
		case op.Kind == Peek && op.Value != "" && newest > k.pushed[k.ids[op.Value]].returned:
			return &flaw{op: op, culprit: newestValue, expected: fmt.Sprintf("%q or a newer one", newestValue)}
		}
		return nil
	})
}

// until returns a time until which a value that was pushed is surely in the list.
func (k *keyed) until(value string) int64 {
	if taken, ever := k.taken[k.ids[value]]; ever {
		return taken.called
	}
	if k.loose > 0 {
		return math.MinInt64
	}
	return math.MaxInt64
}

func (k *keyed) popOf(value string) Operation {
	return k.ops[slices.IndexFunc(k.ops, func(op Operation) bool { return op.Kind == Pop && op.Value == value })]
}
