package oracle

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

const (
	page          = "../../docs/compose-differences.md"
	generatedFrom = "<!-- From here on written by `cd test/oracle && UPDATE_GOLDEN=1 go test -run Page .`. -->\n"
)

// TestThePageShowsTheAcceptedDifferences holds the page that people read against the table.
func TestThePageShowsTheAcceptedDifferences(t *testing.T) {
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	intro, rows, ok := strings.Cut(string(content), generatedFrom)
	if !ok {
		t.Fatalf("%s has no line %q", page, generatedFrom)
	}
	want := differencesTable()
	if os.Getenv("UPDATE_GOLDEN") == "1" {
		write(t, page, intro+generatedFrom+want)
		return
	}
	if rows != want {
		t.Errorf("%s is not what the table says; UPDATE_GOLDEN=1 writes it anew", page)
	}
}

func differencesTable() string {
	var b strings.Builder
	b.WriteString("\n| where | Docker Compose | verdigris | why |\n|---|---|---|---|\n")
	for _, a := range accepted {
		where := code(strings.ReplaceAll(a.path, "/", " "))
		if a.object != "" {
			where += " of " + code(a.object)
		}
		if a.in == declared {
			where += " that the file names"
		}
		if a.sliced {
			where += " of a slice"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", where, value(a.sdk), value(a.ours), a.why)
	}
	return b.String()
}

// value shows a value of the table; an empty one stands for any.
func value(v string) string {
	switch v {
	case "":
		return "another"
	case absent:
		return "none"
	}
	return code(v)
}

func code(s string) string { return "`" + s + "`" }
