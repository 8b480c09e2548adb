package history

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// enough is far above what any of these takes.
const enough = 20 * time.Second

// script builds a history from lines "process kind value", one after another in time; "..." before a line makes it
// overlap with the one before, and a word behind the value is the outcome.
func script(lines ...string) *History {
	h, now := &History{}, time.Unix(1000, 0)
	for _, line := range lines {
		rest, overlaps := strings.CutPrefix(line, "...")
		if !overlaps {
			now = now.Add(10 * time.Millisecond)
		}
		op := Operation{Key: "images", Outcome: OK, Slice: "blue", Called: now, Returned: now.Add(5 * time.Millisecond)}
		var value, outcome string
		fmt.Sscan(rest, &op.Process, &op.Kind, &value, &outcome)
		if value != "-" {
			op.Value = value
		}
		if outcome != "" {
			op.Outcome = Outcome(outcome)
		}
		h.Add(op)
	}
	return h
}

func TestHistoriesThatCanHaveHappenedAreAccepted(t *testing.T) {
	for name, h := range map[string]*History{
		"nothing":                            script(),
		"first in, first out":                script("1 push a", "1 push b", "2 pop a", "2 pop b", "2 pop -"),
		"the newest is seen":                 script("1 peek -", "1 push a", "1 push b", "2 peek b", "2 pop a", "2 peek b", "2 pop b", "2 peek -"),
		"overlapping pushes in either order": script("1 push a", "...2 push b", "3 pop b", "3 pop a"),
		"a pop that overlaps with its push":  script("1 push a", "...2 pop a"),
		"a pop before an overlapping push":   script("1 push a", "...2 pop -", "2 pop a"),
		"an unknown push that was done":      script("1 push a unknown", "2 pop a"),
		"an unknown push that was not done":  script("1 push a unknown", "2 pop -"),
		"an unknown push that is done late":  script("1 push a unknown", "2 pop -", "2 pop a"),
		"an unknown pop that took one":       script("1 push a", "1 push b", "2 pop - unknown", "3 pop b"),
		"an unknown pop that took none":      script("1 push a", "1 push b", "2 pop - unknown", "3 pop a", "3 pop b"),
		"an unknown pop of an unknown push":  script("1 push a unknown", "2 pop - unknown", "3 pop -"),
		"a push that was refused":            script("1 push a fail", "2 pop -"),
	} {
		if err := h.Check(enough); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHistoriesThatCannotHaveHappenedAreFoundAndPrinted(t *testing.T) {
	for name, c := range map[string]struct {
		history *History
		want    []string
	}{
		"a push that is lost": {
			script("1 push a", "1 push b", "1 push c", "2 pop a", "2 pop c"),
			[]string{`pop -> "c"`, `expected "b", which was pushed before "c"; nobody ever takes it: it is lost`, `push "b"`},
		},
		"the last push is lost": {
			script("1 push a", "2 pop -"),
			[]string{"pop -> nothing", `expected "a"; nobody ever takes it: it is lost`, `push "a"`},
		},
		"a push that is done twice": {
			script("1 push a", "1 push b", "2 pop a", "2 pop b", "3 pop a"),
			[]string{`pop -> "a"`, `expected anything else: process 2 took "a" at 0.0200`},
		},
		"a value that is taken twice": {
			script("1 push a", "1 push b", "2 pop a", "3 pop a", "2 pop b"),
			[]string{`pop -> "a"`, `expected anything else: process 2 took "a" at 0.0200`},
		},
		"a stale list after a switch": {
			script("1 push a", "2 peek a", "1 push b", "2 peek a"),
			[]string{`peek -> "a"`, `expected "b" or a newer one`, `push "b"`},
		},
		"an empty list after a switch": {
			script("1 push a", "2 peek -"),
			[]string{"peek -> nothing", `expected "a"`},
		},
		"two values that changed places": {
			script("1 push a", "1 push b", "2 pop b", "2 pop a"),
			[]string{`pop -> "b"`, `expected "a", which was pushed before "b" and is taken after it`, `push "a"`},
		},
		"a value from nowhere": {
			script("1 push a", "2 pop z"),
			[]string{`pop -> "z"`, `nobody pushed "z"`},
		},
		"a value from the future": {
			script("2 pop a", "1 push a"),
			[]string{`pop -> "a"`, `"a" was pushed later`},
		},
		"a push that was refused and done": {
			script("1 push a fail", "2 pop a"),
			[]string{`pop -> "a"`, `nobody pushed "a", or it was refused`, "fail"},
		},
		"two lost and one unknown pop": {
			script("1 push a", "1 push b", "1 push c", "2 pop - unknown", "3 pop c"),
			[]string{`expected "b"`, "it is lost"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.history.Check(enough)
			var v *Violation
			if !errors.As(err, &v) || v.Key != "images" {
				t.Fatalf("want a violation: %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("want %q in\n%v", want, err)
				}
			}
		})
	}
}

// The list is never empty while the pop goes on, although no value is in it all that time.
func TestWhatOnlyASearchFinds(t *testing.T) {
	h := &History{}
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	h.Add(Operation{Process: 1, Key: "images", Kind: Push, Value: "a", Called: at(1), Returned: at(2), Outcome: OK})
	h.Add(Operation{Process: 2, Key: "images", Kind: Pop, Called: at(10), Returned: at(20), Outcome: OK})
	h.Add(Operation{Process: 1, Key: "images", Kind: Push, Value: "b", Called: at(11), Returned: at(12), Outcome: OK})
	h.Add(Operation{Process: 3, Key: "images", Kind: Pop, Value: "a", Called: at(14), Returned: at(15), Outcome: OK})
	h.Add(Operation{Process: 3, Key: "images", Kind: Pop, Value: "b", Called: at(30), Returned: at(31), Outcome: OK})
	var v *Violation
	if err := h.Check(enough); !errors.As(err, &v) || v.Fitted == 0 || v.Stuck.Process != 2 || v.Expected != `"b"` {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsPrintedIsShort(t *testing.T) {
	var lines []string
	for i := range 500 {
		lines = append(lines, fmt.Sprintf("1 push a-%d", i))
		if i != 300 {
			lines = append(lines, fmt.Sprintf("2 pop a-%d", i))
		}
	}
	err := script(lines...).Check(enough)
	if err == nil || !strings.Contains(err.Error(), `"a-300"`) || strings.Count(err.Error(), "\n") > 16 {
		t.Errorf("got %v", err)
	}
	t.Log(err)
}

func TestAValueThatIsPushedTwiceCannotBeChecked(t *testing.T) {
	if err := script("1 push a", "2 push a").Check(enough); err == nil || !strings.Contains(err.Error(), `"a" is pushed twice`) {
		t.Errorf("got %v", err)
	}
}

func TestListsAreCheckedByThemselves(t *testing.T) {
	h := script("1 push a", "2 pop a")
	for _, op := range script("1 push a", "2 pop -").Operations() {
		op.Key = "images:cats"
		h.Add(op)
	}
	var v *Violation
	if err := h.Check(enough); !errors.As(err, &v) || v.Key != "images:cats" {
		t.Errorf("got %v", err)
	}
}
