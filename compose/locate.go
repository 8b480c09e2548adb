package compose

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/compose-spec/compose-go/v2/template"

	"verdigris/deploy"
)

// locate names the file and the line in an error of compose-go, which seldom does. It goes by what the messages say, so
// that a person is led to the place: it decides nothing.
func (s *sources) locate(err error) error {
	var hinted *deploy.HintedError
	if errors.As(err, &hinted) {
		return err
	}
	var required *template.MissingRequiredError
	if errors.As(err, &required) {
		return &deploy.HintedError{
			Err:  fmt.Errorf("load %s: %w", s.variable(required.Variable), err),
			Next: fmt.Sprintf("set %s in the .env beside verdigris.yml", required.Variable),
		}
	}
	message := s.shorten(oneLine(err.Error()))
	if strings.HasPrefix(message, "load ") {
		return err
	}
	return &locatedError{fmt.Sprintf("load %s: %s", s.placeOf(err.Error()), message), err}
}

// locatedError is an error of compose-go with its place.
type locatedError struct {
	text string
	err  error
}

func (e *locatedError) Error() string { return e.text }
func (e *locatedError) Unwrap() error { return e.err }

// shorten writes the files' names as people know them.
func (s *sources) shorten(message string) string {
	for _, f := range s.list {
		message = strings.ReplaceAll(message, f.path, s.name(f.path))
	}
	return strings.ReplaceAll(message, ": invalid compose project", "")
}

// clue is a form of message and where to look for what it is about; $1 and so on stand for the groups of the form.
type clue struct {
	form *regexp.Regexp
	path string
}

var clues = []clue{
	{regexp.MustCompile(`service "(.+?)" refers to undefined (?:build )?(network|volume|config|secret|model) (\S+?):`), "services $1 ${2}s $3"},
	{regexp.MustCompile(`service "(.+?)" depends on undefined service "(.+?)"`), "services $1 depends_on $2"},
	{regexp.MustCompile(`service "(.+?)" depends on undefined service "(.+?)"`), "services $1 links $2"},
	{regexp.MustCompile(`service "(.+?)" depends on undefined service`), "services $1 network_mode"},
	{regexp.MustCompile(`service "(.+?)" depends on undefined service`), "services $1 volumes_from"},
	{regexp.MustCompile(`cycle detected: (?:.* -> )?(\S+) -> (\S+)$`), "services $1 depends_on $2"},
	{regexp.MustCompile(`cannot extend service "(.+?)"`), "services $1 extends"},
	{regexp.MustCompile(`(?m)Circular reference:\s+(\S+) in`), "services $1 extends"},
	{regexp.MustCompile(`non-string key in (\S+): (\S+)`), "$1 $2"},
	{regexp.MustCompile("^include|`include`"), "include"},
	{regexp.MustCompile(`additional properties '(.+?)'`), "$1"},
	{regexp.MustCompile("service \"?([^\" ]+)\"? declares mutually exclusive `(\\w+)`"), "services $1 $2"},
	{regexp.MustCompile(`service "?([^" ]+)"?`), "services $1"},
	{regexp.MustCompile(`(secret|config|job|network|volume) "([^" ]+)"`), "${1}s $2"},
}

var (
	// dotted is a path as compose-go's messages write it: services.web.ports.[0] or services[web].ports.
	dotted = regexp.MustCompile(`\b(services|networks|volumes|configs|secrets|models|jobs|include)((?:\.\[?[\w-]+\]?|\[[\w.-]+\])+)`)
	step   = regexp.MustCompile(`[\w-]+|\[[\w.-]+\]`)
	// filePath is a file that a message names.
	filePath = regexp.MustCompile(`(/[^\s:]+)`)
	// told is a value that a message quotes or ends with.
	told = regexp.MustCompile(`"([^"]+)"|'([^']+)'|: ([^\s:]+)$|key in (\w+)`)
)

// placeOf returns file:line of what the message is about, as well as that can be told.
func (s *sources) placeOf(message string) string {
	var paths [][]string
	if match := dotted.FindStringSubmatch(message); match != nil {
		paths = append(paths, append([]string{match[1]}, steps(match[2])...))
	}
	for _, c := range clues {
		if match := c.form.FindStringSubmatchIndex(message); match != nil {
			paths = append(paths, strings.Fields(string(c.form.ExpandString(nil, c.path, message, match))))
		}
	}
	partly, deepest := "", 0
	for _, path := range paths {
		place, depth := s.find(path, 0)
		if depth == len(path) {
			return place
		}
		if depth > deepest {
			partly, deepest = place, depth
		}
	}
	return cmp.Or(s.namedBy(message), partly, s.mentioned(message))
}

// steps splits what follows the first part of a dotted path.
func steps(path string) (list []string) {
	for _, word := range step.FindAllString(path, -1) {
		list = append(list, strings.Trim(word, "[]"))
	}
	return list
}

// namedBy looks for the value that names a file of the message, where that is no compose file itself.
func (s *sources) namedBy(message string) string {
	for _, match := range filePath.FindAllString(message, -1) {
		if place := s.file(match); place != "" && !s.knows(match) {
			return place
		}
	}
	return ""
}

func (s *sources) knows(path string) bool {
	for _, f := range s.list {
		if f.path == path {
			return true
		}
	}
	return false
}

// mentioned takes the line that the parser tells, else looks for a value that the message quotes, and ends at the top of
// the file that it names.
func (s *sources) mentioned(message string) string {
	named := s.list[0]
	for _, f := range s.list {
		if strings.Contains(message, f.path) {
			named = f
		}
	}
	if line := lastLine(message); line > 0 {
		return fmt.Sprintf("%s:%d", s.name(named.path), line)
	}
	for _, match := range told.FindAllStringSubmatch(message, -1) {
		text := strings.Join(match[1:], "")
		if place := s.scalar(func(v string) bool { return v == text || len(text) > 2 && strings.Contains(v, text) }); place != "" {
			return place
		}
	}
	return s.name(named.path) + ":1"
}
