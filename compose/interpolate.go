package compose

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/template"
	"github.com/sirupsen/logrus"
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
		lines = append(lines, fmt.Sprintf("warning: variable %s is not set and has no default: an empty string takes its place (%s)", name, p.sources.variable(name)))
	}
	return slices.Concat(lines, p.ignored(), p.fileNotes(), p.hookNotes())
}
