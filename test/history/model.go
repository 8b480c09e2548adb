package history

import (
	"math"

	"github.com/anishathalye/porcupine"
)

// state is a list in the search for an order.
type state struct {
	queue
	// nameless is how many values of the queue nobody is known to take.
	nameless int
	// taken is the latest time before which one of the pushed values was not taken.
	taken int64
}

// nameless stands in a queue for all values that nobody is known to take: which of them is where makes no difference,
// and telling them apart would send the search through every order of pushes that overlap.
const nameless = -1

// model returns what porcupine needs to know about a list. Its steps use what the history knows about later: a queue
// gives its values in the order in which it got them, so a push that would put a value behind one that is taken later,
// or never, is refused at once. Without that, the search finds out only at the pop, thousands of steps later.
func (k *keyed) model() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return state{taken: math.MinInt64} },
		Step: func(s, in, _ any) (bool, any) {
			next, ok := k.step(s.(state), in.(int))
			return ok, next
		},
		// What was taken follows from which pushes were done, and porcupine compares that itself.
		Equal: func(a, b any) bool { return a.(state).equal(b.(state).queue) },
		Hash: func(s any) uint64 {
			now := s.(state)
			oldest, _ := now.oldest()
			return uint64(now.size)<<40 ^ uint64(now.newest)<<20 ^ uint64(oldest)
		},
	}
}

// step carries out the i-th operation, and tells whether it fits.
func (k *keyed) step(s state, i int) (state, bool) {
	op := k.ops[i]
	value := k.ids[op.Value]
	switch {
	case op.Kind == Push:
		return k.push(s, value)
	case op.Outcome == Unknown:
		return popUnseen(s), true
	case op.Value == "":
		return s, s.size == 0
	case op.Kind == Peek:
		return s, s.size > 0 && s.newest == value
	}
	if oldest, some := s.oldest(); !some || oldest != value {
		return s, false
	}
	s.queue = s.queue.pop()
	return s, true
}

// popUnseen is a pop without an answer: it may have taken what nobody else took, or nothing.
func popUnseen(s state) state {
	if oldest, some := s.oldest(); some && oldest == nameless {
		s.queue = s.queue.pop()
		s.nameless--
	}
	return s
}

func (k *keyed) push(s state, value int) (state, bool) {
	taken, named := k.taken[value]
	if !named {
		s.queue = s.queue.push(nameless)
		s.newest = value // a peek may have seen it
		s.nameless++
		return s, true
	}
	if s.nameless > k.loose || s.taken > taken.returned {
		return s, false
	}
	s.queue = s.queue.push(value)
	s.taken = max(s.taken, taken.called)
	return s, true
}
