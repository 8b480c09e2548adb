package oracle

import (
	"bufio"
	"os"
	"strings"
	"testing"
)

// waitingList has the projects that do not pass yet, and why.
type waitingList map[string]string

// pending reads corpus/pending.txt: lines of "name: why". There is none when all pass.
func pending(t *testing.T) waitingList {
	t.Helper()
	list := waitingList{}
	file, err := os.Open("corpus/pending.txt")
	if os.IsNotExist(err) {
		return list
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		name, why, ok := strings.Cut(lines.Text(), ": ")
		if !ok {
			t.Fatalf("corpus/pending.txt: %q is not name: why", lines.Text())
		}
		list[name] = why
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// settle fails the test on an error, and where a project passes that should not yet.
func (w waitingList) settle(t *testing.T, name string, err error) {
	t.Helper()
	why, waits := w[name]
	switch {
	case waits && err == nil:
		t.Errorf("it passes: take it out of corpus/pending.txt (%s)", why)
	case waits:
		t.Logf("pending: %v", err)
	case err != nil:
		t.Error(err)
	}
}
