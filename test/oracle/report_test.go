package oracle

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// report gathers what differs over the whole corpus, by attribute. It is written to the file that
// VERDIGRIS_ORACLE_REPORT names, for those who mend it.
type report struct {
	mu     sync.Mutex
	lines  map[string][]string // by path
	errors []string
}

func (r *report) add(name string, left []difference, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lines == nil {
		r.lines = map[string][]string{}
	}
	if err != nil {
		r.errors = append(r.errors, fmt.Sprintf("- %s: %v", name, err))
	}
	for _, d := range left {
		path := strings.Join(d.path[:min(len(d.path), 4)], "/")
		r.lines[path] = append(r.lines[path], fmt.Sprintf("- %s: %s", name, d))
	}
}

func (r *report) write(t *testing.T) {
	t.Helper()
	file := os.Getenv("VERDIGRIS_ORACLE_REPORT")
	if file == "" {
		return
	}
	var b strings.Builder
	slices.Sort(r.errors)
	fmt.Fprintf(&b, "## Errors\n\n%s\n", strings.Join(r.errors, "\n"))
	for _, path := range slices.Sorted(maps.Keys(r.lines)) {
		lines := r.lines[path]
		slices.Sort(lines)
		fmt.Fprintf(&b, "\n## %s (%d)\n\n%s\n", path, len(lines), strings.Join(lines[:min(6, len(lines))], "\n"))
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
		t.Error(err)
	}
}
