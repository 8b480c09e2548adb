package compose

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"verdigris/deploy"
)

// refuse returns an error that names everything in the project that cannot be honoured, and why.
func (p *project) refuse() error {
	var names []string
	for _, f := range p.judged() {
		if f.refused != "" {
			names = append(names, fmt.Sprintf("%s, %s", f.place, f.refused))
		}
	}
	if len(names) == 0 {
		return nil
	}
	return &deploy.HintedError{
		Err:  fmt.Errorf("not supported by verdigris: %s", strings.Join(names, "; ")),
		Next: "take it out of the compose file, or run that part outside of verdigris",
	}
}

// ignored says in one line for each what has no effect.
func (p *project) ignored() (lines []string) {
	for _, f := range p.judged() {
		if f.ignored != "" && !f.quiet {
			lines = append(lines, fmt.Sprintf("note: %s has no effect: %s", f.place, f.ignored))
		}
	}
	return lines
}

// finding is a key of the project that is not simply mapped.
type finding struct {
	ruling
	place string // for people: service web: gpus (compose.yml:7)
}

// judged finds every key that is refused or ignored, in a steady order.
func (p *project) judged() (list []finding) {
	add := func(t table, name string, value any) {
		for _, r := range t.judge(value, p.api) {
			list = append(list, finding{r, fmt.Sprintf("%s %s: %s (%s)", t.kind, name, r.key, p.whereIs(t.kind, name, r.key))})
		}
	}
	for name, s := range p.Services {
		add(serviceTable, name, s)
	}
	for name, n := range p.Networks {
		add(networkTable, name, n)
	}
	for name, v := range p.Volumes {
		add(volumeTable, name, v)
	}
	for name, c := range p.Configs {
		add(configTable, name, c)
	}
	for name, s := range p.Secrets {
		add(secretTable, name, s)
	}
	for _, r := range projectTable.judge(p.top(), p.api) {
		list = append(list, finding{r, fmt.Sprintf("%s (%s)", r.key, p.sources.place(strings.Split(r.key, ".")...))})
	}
	slices.SortFunc(list, func(a, b finding) int { return strings.Compare(a.place, b.place) })
	return list
}

// top holds the sections of the file that have no table of their own.
func (p *project) top() any {
	return struct {
		Jobs   map[string]bool `yaml:"jobs"`
		Models map[string]bool `yaml:"models"`
	}{names(p.Jobs), names(p.Models)}
}

func names[V any](section map[string]V) map[string]bool {
	out := map[string]bool{}
	for name := range section {
		out[name] = true
	}
	return out
}

// judge returns the rulings about the keys that are set in a value of compose-go's types and are not simply mapped.
func (t table) judge(value any, api string) (list []ruling) {
	rows := t.index()
	seen := map[string]bool{}
	for _, key := range set(value) {
		r := judge(rows, key, api)
		if (r.refused != "" || r.ignored != "") && !seen[r.key] {
			seen[r.key] = true
			list = append(list, r)
		}
	}
	// A pre_start hook inherits from its service, and what is told of the service need not be told again.
	return slices.DeleteFunc(list, func(r ruling) bool {
		inner, ok := strings.CutPrefix(r.key, "pre_start.")
		return ok && seen[inner]
	})
}

// set returns the keys that are set in a value of compose-go's types, as they are written in a compose file. It walks the
// types by reflection, so that a key that a newer compose-go adds is unknown at first.
func set(value any) []string {
	found := map[string]bool{}
	walk("", reflect.ValueOf(value), func(key string) {
		if key != "" {
			found[key] = true
		}
	})
	return slices.Sorted(maps.Keys(found))
}

func walk(key string, v reflect.Value, set func(key string)) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		if v.Elem().Kind() != reflect.Struct {
			set(key)
			return
		}
		walk(key, v.Elem(), set)
	case reflect.Struct:
		walkFields(key, v, set)
	case reflect.Slice, reflect.Array:
		if v.Len() > 0 {
			set(key)
		}
		for i := range v.Len() {
			walkInner(key, v.Index(i), set)
		}
	case reflect.Map:
		if v.Len() > 0 {
			set(key)
		}
		for _, k := range v.MapKeys() {
			walkInner(key, v.MapIndex(k), set)
		}
	default:
		if !v.IsZero() {
			set(key)
		}
	}
}

// walkInner looks into the elements of lists and maps where they are structures; the list itself was set already.
func walkInner(key string, v reflect.Value, set func(key string)) {
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if v.Kind() == reflect.Struct {
		walkFields(key, v, set)
	}
}

// walkFields takes each field under the name of its yaml tag. Extensions (x-...) are free for everybody.
func walkFields(key string, v reflect.Value, set func(key string)) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		switch {
		case !field.IsExported() || name == "-" || field.Name == "Extensions":
			continue
		case name == "" && strings.Contains(options, "inline"):
			walk(key, v.Field(i), set)
		default:
			if name == "" {
				name = strings.ToLower(field.Name)
			}
			walk(strings.TrimPrefix(key+"."+name, "."), v.Field(i), set)
		}
	}
}
