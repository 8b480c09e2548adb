package compose

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"verdigris/internal/testkit"
)

// golden compares the text with a file of testdata, which UPDATE_GOLDEN=1 writes.
func (s *site) golden(name, got string) {
	s.t.Helper()
	got = strings.ReplaceAll(strings.ReplaceAll(got, s.dir, "DIR"), s.settings.App, "APP") + "\n"
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE_GOLDEN") == "1" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	if want := testkit.Read(s.t, path); got != want {
		s.t.Errorf("it differs from %s (UPDATE_GOLDEN=1 rewrites it):\n%s", path, got)
	}
}

// indented writes a value as JSON for a golden file.
func indented(t *testing.T, value any) string {
	t.Helper()
	content, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
