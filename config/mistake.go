package config

import (
	"fmt"
	"path/filepath"
	"strings"

	"verdigris/deploy"
)

// Mistake is one thing that is wrong in the configuration.
type Mistake struct {
	File    string // absolute
	Line    int    // from 1; 0 when there is no such line
	Field   string // e.g. apps.gallery.web.port; empty for a file as a whole
	Problem string // what is wrong, and what is right
}

// String writes the mistake as file:line: field: problem, which editors can jump to.
func (m Mistake) String() string {
	var b strings.Builder
	b.WriteString(filepath.Base(m.File))
	if m.Line > 0 {
		fmt.Fprintf(&b, ":%d", m.Line)
	}
	b.WriteString(": ")
	if m.Field != "" {
		b.WriteString(m.Field + " ")
	}
	b.WriteString(m.Problem)
	return b.String()
}

// Mistakes are all that is wrong in the configuration, in the order of the lines.
type Mistakes []Mistake

func (m Mistakes) Error() string {
	if len(m) == 1 {
		return m[0].String()
	}
	text := fmt.Sprintf("there are %d mistakes in the configuration:", len(m))
	for _, one := range m {
		text += "\n  " + one.String()
	}
	return text
}

// As lets errors.As find a deploy.InputError: a mistake in the configuration is bad input.
func (m Mistakes) As(target any) bool {
	in, ok := target.(**deploy.InputError)
	if ok {
		*in = &deploy.InputError{Reason: m.Error()}
	}
	return ok
}

// position is where a field stands; order counts the fields as they were read.
type position struct {
	file  string
	line  int
	order int
}

// lines knows the position of every field that was read.
type lines map[string]position

// near returns the position of the field, or of the nearest one above it when it was left out.
func (l lines) near(field string) position {
	for {
		if at, ok := l[field]; ok {
			return at
		}
		cut := strings.LastIndexAny(field, ".[")
		if cut < 0 {
			return l[""]
		}
		field = field[:cut]
	}
}
