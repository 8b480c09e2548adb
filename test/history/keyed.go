package history

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// keyed is the history of one list, prepared for the search: without what makes no difference, and with numbers for values.
type keyed struct {
	key    string
	all    []Operation // everything, by the time of the call
	ops    []Operation // what an order has to be found for
	ids    map[string]int
	pushed map[int]span // when the values were pushed; not those that were refused
	taken  map[int]span // when the values that were popped were popped
	loose  int          // how many pops may have taken something that nobody saw
	begin  time.Time
}

// span is the time of an operation, in nanoseconds since the history began.
type span struct{ called, returned int64 }

// open is the return of an operation that may be done at any time after its call.
const open = math.MaxInt64

// byKey splits a history. A value that is pushed twice is refused: nobody could say which of the two was popped.
func byKey(ops []Operation) ([]*keyed, error) {
	ops = slices.Clone(ops)
	slices.SortStableFunc(ops, func(a, b Operation) int { return a.Called.Compare(b.Called) })
	lists := map[string]*keyed{}
	var sorted []*keyed
	for _, op := range ops {
		k, ok := lists[op.Key]
		if !ok {
			k = &keyed{key: op.Key, begin: ops[0].Called}
			lists[op.Key] = k
			sorted = append(sorted, k)
		}
		k.all = append(k.all, op)
	}
	slices.SortFunc(sorted, func(a, b *keyed) int { return cmp.Compare(a.key, b.key) })
	for _, k := range sorted {
		if err := k.prepare(); err != nil {
			return nil, err
		}
	}
	return sorted, nil
}

func (k *keyed) prepare() error {
	k.ids, k.pushed, k.taken = map[string]int{}, map[int]span{}, map[int]span{}
	pushed, seen := map[string]bool{}, map[string]bool{}
	for _, op := range k.all {
		if op.Kind == Push && pushed[op.Value] {
			return fmt.Errorf("the history of %s cannot be checked: %q is pushed twice", k.key, op.Value)
		}
		if op.Kind == Push {
			pushed[op.Value] = true
		} else if op.Outcome == OK && op.Value != "" {
			seen[op.Value] = true
		}
		if _, ok := k.ids[op.Value]; !ok {
			k.ids[op.Value] = len(k.ids) + 1
		}
		if op.Kind == Push && op.Outcome != Fail {
			k.pushed[k.ids[op.Value]] = k.span(op)
		}
		if op.Kind == Pop && op.Outcome == OK && op.Value != "" {
			k.take(k.ids[op.Value], k.span(op))
		}
	}
	missing := slices.ContainsFunc(k.all, func(op Operation) bool {
		_, taken := k.taken[k.ids[op.Value]]
		return op.Kind == Push && !taken && (op.Outcome == OK || seen[op.Value])
	})
	for _, op := range k.all {
		if op.matters(seen[op.Value], missing) {
			k.ops = append(k.ops, op)
			if op.Kind == Pop && op.Outcome == Unknown {
				k.loose++
			}
		}
	}
	return nil
}

// matters tells whether an order has to have a place for the operation. What was refused was not done. An unknown push
// that nobody saw may as well not have been done, nor an unknown pop when nothing is missing; they would only make the
// search long.
func (op Operation) matters(seen, missing bool) bool {
	switch {
	case op.Outcome == Fail:
		return false
	case op.Outcome == OK:
		return true
	case op.Kind == Push:
		return seen
	}
	return op.Kind == Pop && missing
}

// take remembers when a value was popped; the whole time, where that happened twice.
func (k *keyed) take(value int, s span) {
	if before, twice := k.taken[value]; twice {
		s = span{min(s.called, before.called), max(s.returned, before.returned)}
	}
	k.taken[value] = s
}

func (k *keyed) span(op Operation) span {
	s := span{op.Called.Sub(k.begin).Nanoseconds(), open}
	if op.Outcome != Unknown {
		s.returned = op.Returned.Sub(k.begin).Nanoseconds()
	}
	return s
}
