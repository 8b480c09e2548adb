package oracle

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/moby/client/pkg/versions"
)

// TestWhatFailsWithTheSDKFailsHere takes projects that the engine or the SDK turns down: here they fail for the same
// reason, and leave nothing behind.
func TestWhatFailsWithTheSDKFailsHere(t *testing.T) {
	waiting := pending(t)
	for _, s := range samples(t, "failing") {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			if s.notes.Fails == "" {
				t.Fatal("it does not say with which error: x-oracle.fails")
			}
			tr := newTrial(t, s, "")
			if err := tr.failsWith(tr.upTheirs, s.notes.Fails); err != nil {
				t.Fatalf("the SDK: %v", err)
			}
			waiting.settle(t, s.name, tr.failsAndLeavesNothing())
		})
	}
}

func (tr *trial) failsAndLeavesNothing() error {
	err := tr.upOurs(tr.t.Context())
	if err == nil || !strings.Contains(err.Error(), tr.sample.notes.Fails) {
		return fmt.Errorf("verdigris ends with %v, want an error with %q", err, tr.sample.notes.Fails)
	}
	return tr.nothingIsThere()
}

func (tr *trial) nothingIsThere() error {
	there, err := list(tr.t.Context(), tr.project)
	if err == nil && !there.none() {
		err = fmt.Errorf("it left %d containers, %d networks and %d volumes", len(there.containers), len(there.networks), len(there.volumes))
	}
	return err
}

// refusal is one line of a file that cannot be done.
type refusal struct{ name, place string }

// refusals returns the lines that end with a comment `# refused: NAME` or, for what newer engines have, `# refused below
// API: NAME`.
func refusals(t *testing.T, file string) []refusal {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list []refusal
	marked := false
	for i, line := range strings.Split(string(content), "\n") {
		_, mark, _ := strings.Cut(line, "# refused")
		since, name, ok := strings.Cut(mark, ": ")
		if !ok {
			continue
		}
		marked = true
		since = strings.TrimPrefix(since, " below ")
		if since == "" || versions.LessThan(docker.ClientVersion(), since) {
			list = append(list, refusal{name, fmt.Sprintf("%s:%d", filepath.Base(file), i+1)})
		}
	}
	if !marked {
		t.Fatalf("%s marks no line", file)
	}
	return list
}

// TestWhatIsNotSupportedIsRefused takes projects that verdigris does not do: each key is named with its file and
// line, before anything is made.
func TestWhatIsNotSupportedIsRefused(t *testing.T) {
	waiting := pending(t)
	for _, s := range samples(t, "refused") {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			tr := newTrial(t, s, "")
			waiting.settle(t, s.name, tr.refuses(refusals(t, filepath.Join(tr.dir, s.files[0]))))
		})
	}
}

func (tr *trial) refuses(list []refusal) error {
	if len(list) == 0 {
		return nil // this engine can do it
	}
	err := tr.upOurs(tr.t.Context())
	if err == nil {
		return fmt.Errorf("it is not refused")
	}
	for _, r := range list {
		if !strings.Contains(err.Error(), r.name) || !strings.Contains(err.Error(), r.place) {
			return fmt.Errorf("the error does not say %q and %q: %w", r.name, r.place, err)
		}
	}
	return tr.nothingIsThere()
}
