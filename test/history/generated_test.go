package history

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// world is a list with clients at it, and what is wrong with it.
type world struct {
	random    *rand.Rand
	clients   int
	unknown   float64 // how many of the answers are lost
	lossy     int     // the push that is acknowledged and forgotten, counted from 0; -1 for none
	twice     int     // the push that is done twice
	staleFrom int     // the operation from which on pops and peeks are answered by a copy that is out of date

	list, copied []string
	pushed, ops  int
}

// act is one operation of a client, with the moment in which the list carries it out.
type act struct {
	op Operation
	at time.Time
}

func newWorld(seed uint64, clients int) *world {
	return &world{random: rand.New(rand.NewPCG(seed, 1)), clients: clients, lossy: -1, twice: -1, staleFrom: -1}
}

// play lets the clients do so many operations, each client one at a time, and then empties the list.
func (w *world) play(many int) *History {
	var acts []act
	for client := range w.clients {
		now := time.Unix(1000, 0).Add(w.some())
		for range many / w.clients {
			a := act{op: Operation{Process: client, Key: "images", Called: now, Kind: []Kind{Push, Push, Pop, Peek}[w.random.IntN(4)]}}
			a.at = now.Add(w.some())
			a.op.Returned = a.at.Add(w.some())
			now = a.op.Returned.Add(w.some())
			acts = append(acts, a)
		}
	}
	slices.SortFunc(acts, func(a, b act) int { return a.at.Compare(b.at) })
	h := &History{}
	for _, a := range acts {
		h.Add(w.do(a.op))
	}
	for now := time.Unix(2000, 0); ; now = now.Add(time.Second) {
		op := w.answer(Operation{Key: "images", Kind: Pop, Called: now, Returned: now.Add(time.Millisecond), Outcome: OK})
		h.Add(op)
		if op.Value == "" {
			return h
		}
	}
}

func (w *world) some() time.Duration { return time.Duration(1 + w.random.IntN(1000)) }

// do carries an operation out and may lose its answer, or the request before that.
func (w *world) do(op Operation) Operation {
	op.Outcome = OK
	if op.Kind == Push {
		op.Value = fmt.Sprint("v", w.pushed)
	}
	switch lost := w.random.Float64() < w.unknown; {
	case !lost:
		return w.answer(op)
	case w.random.IntN(2) == 0:
		w.answer(op)
	case op.Kind == Push:
		w.pushed++
	}
	op.Outcome = Unknown
	return op
}

func (w *world) answer(op Operation) Operation {
	w.ops++
	switch op.Kind {
	case Push:
		w.push(op.Value)
	case Pop:
		if len(w.list) > 0 {
			op.Value, w.list = w.list[0], w.list[1:]
		}
	case Peek:
		if seen := w.seen(); len(seen) > 0 {
			op.Value = seen[len(seen)-1]
		}
	}
	return op
}

func (w *world) push(value string) {
	if w.pushed != w.lossy {
		w.list = append(w.list, value)
	}
	if w.pushed == w.twice {
		w.list = append(w.list, value)
	}
	w.pushed++
}

// seen is the list as a peek sees it.
func (w *world) seen() []string {
	if w.staleFrom < 0 || w.ops < w.staleFrom {
		return w.list
	}
	if w.copied == nil {
		w.copied = slices.Clone(w.list)
	}
	return w.copied
}

func TestWhatARealListDoesIsAccepted(t *testing.T) {
	for seed := range uint64(30) {
		w := newWorld(seed, 1+int(seed%8))
		if err := w.play(400).Check(enough); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

func TestAnswersThatAreLostMakeNoViolation(t *testing.T) {
	for seed := range uint64(30) {
		w := newWorld(seed, 1+int(seed%8))
		w.unknown = 0.05
		if err := w.play(400).Check(enough); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

func TestWhatABrokenListDoesIsFound(t *testing.T) {
	for name, spoil := range map[string]func(*world){
		"a push that is lost":       func(w *world) { w.lossy = 60 },
		"a push that is done twice": func(w *world) { w.twice = 60 },
		"a stale list":              func(w *world) { w.staleFrom = 200 },
	} {
		for seed := range uint64(20) {
			w := newWorld(seed, 1+int(seed%8))
			spoil(w)
			var v *Violation
			if err := w.play(400).Check(enough); !errors.As(err, &v) {
				t.Errorf("%s, seed %d: want a violation: %v", name, seed, err)
			}
		}
	}
}

// A test of a cutover pushes for minutes and looks at the order at the end only.
func TestALongHistoryIsChecked(t *testing.T) {
	w := newWorld(1, 4)
	w.unknown = 0.0005
	h := w.play(6_000)
	if err := h.Check(enough); err != nil {
		t.Fatal(err)
	}
}
