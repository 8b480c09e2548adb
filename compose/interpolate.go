package compose

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/template"
	"github.com/sirupsen/logrus"

	"verdigris/deploy"
)

// compose-go and BuildKit warn through the process-wide logger of logrus, where a warning cannot be told to the
// deployment that it belongs to. What matters of it is reported here in other ways.
func init() { logrus.SetOutput(io.Discard) }

// noting substitutes variables as Compose does and remembers the ones that are unset and have no default: each of
// them became an empty string.
func noting(unset map[string]bool) func(string, template.Mapping) (string, error) {
	return func(text string, lookup template.Mapping) (string, error) {
		for name, v := range template.ExtractVariables(map[string]any{"": text}, nil) {
			_, set := lookup(name)
			plain := !v.Required && v.DefaultValue == "" && v.PresenceValue == ""
			if plain && !set && !strings.Contains(text, "{"+name+"-") && !strings.Contains(text, "{"+name+":-") {
				unset[name] = true
			}
		}
		return template.Substitute(text, lookup)
	}
}

// warnings says in one line for each what the load found odd.
func (p *project) warnings() []string {
	var lines []string
	for _, name := range p.unset {
		lines = append(lines, fmt.Sprintf("warning: variable %s is not set and has no default: an empty string takes its place (%s)", name, where(p.files, variable(name))))
	}
	return slices.Concat(lines, p.ignored(), p.fileNotes(), p.hookNotes())
}

// locate names the files, and the line where it can be found, in an error of compose-go that does not.
func locate(err error, files []string) error {
	var missing *template.MissingRequiredError
	if errors.As(err, &missing) {
		return &deploy.HintedError{
			Err:  fmt.Errorf("load %s: %w", where(files, variable(missing.Variable)), err),
			Next: fmt.Sprintf("set %s in the .env beside verdigris.yml", missing.Variable),
		}
	}
	for _, f := range files {
		if strings.Contains(err.Error(), f) {
			return fmt.Errorf("load compose file: %w", err)
		}
	}
	return fmt.Errorf("load %s: %w", bases(files), err)
}

// where returns file:line of the first place where the patterns match, each at or after the one before; the files'
// names when there is none. It reads lines of text, so that a person is led to the place: it decides nothing.
func where(files []string, patterns ...string) string {
	for _, path := range files {
		if n := lineOf(path, patterns); n > 0 {
			return fmt.Sprintf("%s:%d", filepath.Base(path), n)
		}
	}
	return bases(files)
}

func lineOf(path string, patterns []string) int {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		for len(patterns) > 0 && regexp.MustCompile(patterns[0]).MatchString(lines.Text()) {
			patterns = patterns[1:]
		}
		if len(patterns) == 0 {
			return n
		}
	}
	return 0
}

// variable and key are the patterns of a variable and of a key of YAML.
func variable(name string) string { return `\$\{?` + regexp.QuoteMeta(name) + `\b` }
func key(name string) string      { return `(^|[\s{,"'])` + regexp.QuoteMeta(name) + `["']?\s*:` }

func bases(files []string) string {
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = filepath.Base(f)
	}
	return strings.Join(names, ", ")
}
