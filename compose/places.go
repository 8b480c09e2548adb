package compose

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"
)

// named is the depth of services.<name> and its like: below it stand keys of the specification.
const named = 2

// place returns file:line of where the path of keys stands, or of as much of it as there is; the files' names when
// there is nothing of it.
func (s *sources) place(path ...string) string {
	if p, depth := s.find(path, 0); depth > 0 {
		return p
	}
	return s.names()
}

// names are the names of the files of the configuration, and of what they have included so far.
func (s *sources) names() string {
	var names []string
	for _, f := range s.list {
		names = append(names, s.name(f.path))
	}
	return strings.Join(names, ", ")
}

// find returns the place of the longest part of the path that stands anywhere, and how long it is. What a service
// does not say itself may stand in the one that it extends.
func (s *sources) find(path []string, hops int) (place string, depth int) {
	for _, f := range s.list {
		for _, doc := range f.docs {
			if n, d := descend(doc, path, 0); d > depth {
				place, depth = s.at(f, n), d
			}
		}
	}
	if depth < len(path) && len(path) > named && path[0] == "services" && hops < 10 {
		if base := s.extended(path[1]); base != "" && base != path[1] {
			further := append([]string{"services", base}, path[named:]...)
			if p, d := s.find(further, hops+1); d > depth {
				return p, d
			}
		}
	}
	return place, depth
}

// extended names the service that a service extends.
func (s *sources) extended(service string) string {
	for _, f := range s.list {
		for _, doc := range f.docs {
			n := value(value(value(doc, "services"), service), "extends")
			if inner := value(n, "service"); inner != nil {
				n = inner
			}
			if n != nil && n.Kind == yaml.ScalarNode {
				return n.Value
			}
		}
	}
	return ""
}

// scalar returns the place of the first value for which it is so, empty when there is none.
func (s *sources) scalar(is func(text string) bool) string {
	for _, f := range s.list {
		for _, doc := range f.docs {
			if n := scan(doc, is); n != nil {
				return s.at(f, n)
			}
		}
	}
	return ""
}

func scan(n *yaml.Node, is func(string) bool) *yaml.Node {
	if n.Kind == yaml.ScalarNode && is(n.Value) {
		return n
	}
	for _, child := range n.Content {
		if found := scan(child, is); found != nil {
			return found
		}
	}
	return nil
}

func (s *sources) at(f source, n *yaml.Node) string {
	return fmt.Sprintf("%s:%d", s.name(f.path), n.Line)
}

// value returns what a mapping has under the key, nil when it has nothing or is no mapping.
func value(n *yaml.Node, key string) *yaml.Node {
	n = resolved(n)
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return resolved(n.Content[i+1])
		}
	}
	return nil
}

// resolved looks through documents and aliases.
func resolved(n *yaml.Node) *yaml.Node {
	for n != nil && (n.Kind == yaml.AliasNode || n.Kind == yaml.DocumentNode && len(n.Content) > 0) {
		n = referred(n)[0]
	}
	return n
}

// descend follows the path of keys as far as it goes, and returns the last key and how many were found. Elements of lists
// and keys that people choose (below a service) need not be in the path.
func descend(n *yaml.Node, path []string, level int) (last *yaml.Node, depth int) {
	n = resolved(n)
	if n == nil || len(path) == 0 {
		return nil, 0
	}
	best := func(found *yaml.Node, d int) {
		if found != nil && d > depth {
			last, depth = found, d
		}
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, inner := n.Content[i], n.Content[i+1]
			switch {
			case key.Value == path[0]:
				if found, d := descend(inner, path[1:], level+1); found != nil {
					best(found, d+1)
				}
				best(key, 1)
			case key.Value == "<<":
				best(descend(inner, path, level))
			case level > named:
				best(descend(inner, path, level+1))
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(path[0]); err == nil && i >= 0 && i < len(n.Content) {
			if found, d := descend(n.Content[i], path[1:], level+1); found != nil {
				return found, d + 1
			}
			return n.Content[i], 1
		}
		for _, element := range n.Content {
			best(descend(element, path, level))
		}
	case yaml.ScalarNode:
		// An entry of a list may be name:more or name=value.
		if name, _, _ := strings.Cut(strings.Replace(n.Value, "=", ":", 1), ":"); name == path[0] || n.Value == path[0] {
			return n, 1
		}
	}
	return last, depth
}

// whereIs finds a key below the name of a service, network and so on.
func (p *project) whereIs(kind, name, path string) string {
	return p.sources.place(append([]string{kind + "s", name}, strings.Split(path, ".")...)...)
}

// mistake is an error about one key of a service, with the place where it stands.
func (p *project) mistake(s types.ServiceConfig, key, reason string) error {
	return fmt.Errorf("service %s: %s: %s (%s)", s.Name, key, reason, p.whereIs("service", s.Name, key))
}

// variable finds the first value that uses the variable.
func (s *sources) variable(name string) string {
	used := regexp.MustCompile(`\$\{?` + regexp.QuoteMeta(name) + `\b`)
	if place := s.scalar(used.MatchString); place != "" {
		return place
	}
	return s.names()
}

// file finds the value that names a file, by the last part of its path.
func (s *sources) file(path string) string {
	return s.scalar(func(text string) bool {
		text, _, _ = strings.Cut(text, "#")
		return strings.ContainsAny(text, "./") && filepath.Base(text) == filepath.Base(path) || text == filepath.Base(path)
	})
}
