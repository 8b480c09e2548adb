package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

func TestTheExampleLoads(t *testing.T) {
	c := load(t, Example)
	equal(t, "app", strings.Join(c.Names(), " "), "gallery")
}

func TestTheExampleShowsTheDefaults(t *testing.T) {
	shown := load(t, Example)
	bare := load(t, "apps:\n  gallery:\n    repository: {url: .}\n    web: {port: 8080}\n").Apps["gallery"]
	app := shown.Apps["gallery"]
	data := load(t, small+"    data: {keys: [images], blue: {service: a}, green: {service: b}}\n").Apps["shop"].Data
	for what, pair := range map[string][2]any{
		"health":   {app.Health, bare.Health},
		"cutover":  {app.Cutover, bare.Cutover},
		"watch":    {app.Watch, bare.Watch},
		"timeouts": {app.Timeouts, bare.Timeouts},
		"web":      {app.Web, bare.Web},
		"router":   {app.Router.Edge, bare.Router.Edge},
		"keep":     {app.KeepReleases, bare.KeepReleases},
		"promote":  {app.Promote, bare.Promote},
		"mirror":   {app.Data.Mirroring, data.Mirroring},
		"fencing":  {app.Data.Fencing, data.Fencing},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s: the example has %+v, the default is %+v", what, pair[0], pair[1])
		}
	}
}

// alternative is a field that the example shows behind a # in the first column.
var alternative = regexp.MustCompile(`(?m)^#(  +[a-z_]+:.*)$`)

func TestEveryFieldIsInTheExample(t *testing.T) {
	root, err := parse([]byte(alternative.ReplaceAllString(Example, "$1")))
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	collect(root, "", there)
	for _, field := range allFields(reflect.TypeFor[Config](), "") {
		if !there[field] {
			t.Errorf("the example does not show %s", field)
		}
		delete(there, field)
	}
}

func TestEveryFieldIsInTheDocumentation(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range allFields(reflect.TypeFor[Config](), "") {
		field = strings.NewReplacer("apps.*.", "", "[]", "").Replace(field)
		if !strings.Contains(string(text), "`"+field+"`") {
			t.Errorf("docs/configuration.md does not name `%s`", field)
		}
	}
}

// allFields lists the fields of a struct and those below it; names that are free are written as *.
func allFields(typ reflect.Type, parent string) []string {
	switch typ.Kind() {
	case reflect.Pointer:
		return allFields(typ.Elem(), parent)
	case reflect.Map:
		if typ.Elem().Kind() == reflect.String {
			return nil
		}
		return allFields(typ.Elem(), parent+".*")
	case reflect.Slice:
		return allFields(typ.Elem(), parent+"[]")
	case reflect.Struct:
		var fields []string
		for _, name := range yamlNames(typ) {
			field := join(parent, name)
			fields = append(fields, field)
			fields = append(fields, allFields(typ.FieldByIndex(yamlIndex(typ, name)).Type, field)...)
		}
		return fields
	}
	return nil
}

// collect notes the fields of a YAML tree under the names that allFields gives them.
func collect(n *yaml.Node, parent string, there map[string]bool) {
	switch n.Kind {
	case yaml.SequenceNode:
		for _, item := range n.Content {
			collect(item, parent+"[]", there)
		}
	case yaml.MappingNode:
		for key, value := range pairs(n) {
			field := join(parent, key.Value)
			if parent == "apps" {
				field = "apps.*"
			}
			there[field] = true
			collect(value, field, there)
		}
	}
}
