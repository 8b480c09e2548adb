package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// decoder fills structs from a YAML tree. It is stricter than yaml.v3's KnownFields and says more: every
// mistake of a file at once, each with its line, its field and what was probably meant. It remembers where
// each field stands, so that Validate can say so too.
type decoder struct {
	file, dir string
	lines     lines
	found     Mistakes
}

func (d *decoder) wrong(n *yaml.Node, field, format string, args ...any) {
	d.found = append(d.found, Mistake{File: d.file, Line: n.Line, Field: field, Problem: fmt.Sprintf(format, args...)})
}

func (d *decoder) note(n *yaml.Node, field string) {
	d.lines[field] = position{file: d.file, line: n.Line, order: len(d.lines)}
}

// value decodes one node into v. A field without a value keeps its default.
func (d *decoder) value(n *yaml.Node, v reflect.Value, field string) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Tag == "!!null" {
		return
	}
	if u, ok := v.Addr().Interface().(yaml.Unmarshaler); ok {
		d.custom(n, u, field)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		d.pointer(n, v, field)
	case reflect.Struct:
		if d.kind(n, yaml.MappingNode, field, "takes fields below it") {
			d.fields(n, v, field)
		}
	case reflect.Map:
		if d.kind(n, yaml.MappingNode, field, "takes names with values below it") {
			d.entries(n, v, field)
		}
	case reflect.Slice:
		if d.kind(n, yaml.SequenceNode, field, "takes a list, like [a, b]") {
			d.elements(n, v, field)
		}
	default:
		d.scalar(n, v, field)
	}
}

func (d *decoder) kind(n *yaml.Node, want yaml.Kind, field, takes string) bool {
	if n.Kind != want {
		d.wrong(n, field, "%s", takes)
	}
	return n.Kind == want
}

func (d *decoder) custom(n *yaml.Node, u yaml.Unmarshaler, field string) {
	if err := u.UnmarshalYAML(n); err != nil {
		d.wrong(n, field, "%v", err)
	}
	if secret, ok := u.(*Secret); ok {
		secret.File = secret.File.from(d.dir)
	}
}

func (d *decoder) pointer(n *yaml.Node, v reflect.Value, field string) {
	fresh := reflect.New(v.Type().Elem())
	setDefaults(fresh)
	d.value(n, fresh.Elem(), field)
	v.Set(fresh)
}

// fields decodes a mapping into a struct. What comes by a merge key (<<) gives way to the mapping's own fields.
func (d *decoder) fields(n *yaml.Node, v reflect.Value, parent string) {
	known := yamlNames(v.Type())
	for key, value := range pairs(n) {
		if key.Value == "<<" {
			continue
		}
		field := join(parent, key.Value)
		i := slices.Index(known, key.Value)
		if i < 0 {
			d.wrong(key, field, "is not a field%s", meant(key.Value, known))
			continue
		}
		inner := value.Kind == yaml.MappingNode
		if at, twice := d.lines[field]; twice && (!inner || at.file == d.file) {
			d.wrong(key, field, "is set twice; the other time is on line %d of %s", at.line, at.file)
			continue
		}
		d.note(key, field)
		d.value(value, v.FieldByIndex(yamlIndex(v.Type(), key.Value)), field)
	}
	for _, merged := range merges(n) {
		d.merge(merged, v, parent)
	}
}

func (d *decoder) merge(n *yaml.Node, v reflect.Value, parent string) {
	rest := *n
	rest.Content = nil
	for key, value := range pairs(n) {
		if _, own := d.lines[join(parent, key.Value)]; !own {
			rest.Content = append(rest.Content, key, value)
		}
	}
	d.fields(&rest, v, parent)
}

// entries decodes a mapping with free names, such as apps.
func (d *decoder) entries(n *yaml.Node, v reflect.Value, parent string) {
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	for key, value := range pairs(n) {
		field := join(parent, key.Value)
		if at, twice := d.lines[field]; twice {
			d.wrong(key, field, "is there twice; the other one is on line %d of %s", at.line, at.file)
			continue
		}
		d.note(key, field)
		element := reflect.New(v.Type().Elem()).Elem()
		d.value(value, element, field)
		if app, ok := element.Interface().(*App); ok && app != nil {
			app.Name, app.Dir = key.Value, d.dir
		}
		v.SetMapIndex(reflect.ValueOf(key.Value), element)
	}
}

func (d *decoder) elements(n *yaml.Node, v reflect.Value, parent string) {
	list := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		field := fmt.Sprintf("%s[%d]", parent, i)
		d.note(item, field)
		setDefaults(list.Index(i).Addr())
		d.value(item, list.Index(i), field)
	}
	v.Set(list)
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, field string) {
	takes := map[reflect.Kind]string{reflect.String: "a text", reflect.Int: "a whole number", reflect.Bool: "true or false"}[v.Kind()]
	if n.Kind != yaml.ScalarNode {
		d.wrong(n, field, "takes %s", takes)
		return
	}
	if err := n.Decode(v.Addr().Interface()); err != nil {
		d.wrong(n, field, "takes %s, not %q", takes, n.Value)
		return
	}
	if path, ok := v.Addr().Interface().(*Path); ok {
		*path = path.from(d.dir)
	}
}

// parse reads one YAML document; an empty file has none.
func parse(text []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil, errors.New("is empty")
	case err != nil:
		return nil, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, errors.New("has more than one YAML document: take the lines with --- out")
	}
	return document.Content[0], nil
}

func setDefaults(v reflect.Value) {
	if d, ok := v.Interface().(defaulter); ok {
		d.setDefaults()
	}
}

// pairs iterates over the keys and values of a mapping.
func pairs(n *yaml.Node) func(func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

// merges returns the mappings behind a mapping's merge keys.
func merges(n *yaml.Node) []*yaml.Node {
	var list []*yaml.Node
	for key, value := range pairs(n) {
		if key.Value != "<<" {
			continue
		}
		if value.Kind == yaml.SequenceNode {
			list = append(list, value.Content...)
		} else {
			list = append(list, value)
		}
	}
	for i, m := range list {
		if m.Kind == yaml.AliasNode {
			list[i] = m.Alias
		}
	}
	return list
}

func join(parent, name string) string {
	if parent == "" {
		return name
	}
	return parent + "." + name
}

// yamlNames lists the YAML names of a struct's fields.
func yamlNames(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("yaml"); name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}

func yamlIndex(t reflect.Type, name string) []int {
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("yaml") == name {
			return t.Field(i).Index
		}
	}
	return nil
}
