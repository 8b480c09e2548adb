package compose

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"

	"verdigris/internal/testkit"
)

// documented are the sections of docs/compose.md and the keys that they list.
var documented = []struct {
	title string
	table table
	keys  []string
}{
	{"Top level", projectTable, topLevel()},
	{"Services", serviceTable, keysOf(reflect.TypeFor[types.ServiceConfig]())},
	{"Networks", networkTable, keysOf(reflect.TypeFor[types.NetworkConfig]())},
	{"Volumes", volumeTable, keysOf(reflect.TypeFor[types.VolumeConfig]())},
	{"Configs", configTable, keysOf(reflect.TypeFor[types.ConfigObjConfig]())},
	{"Secrets", secretTable, keysOf(reflect.TypeFor[types.SecretConfig]())},
}

// topLevel are the sections of a file; compose-go's type of a whole project lacks two that it has dealt with.
func topLevel() []string {
	keys := []string{"version"}
	for _, key := range keysOf(reflect.TypeFor[types.IncludeConfig]()) {
		keys = append(keys, "include."+key)
	}
	for _, key := range keysOf(reflect.TypeFor[types.Project]()) {
		if section, _, _ := strings.Cut(key, "."); !slices.Contains(keys, section) {
			keys = append(keys, section)
		}
	}
	slices.Sort(keys)
	return keys
}

const generatedFrom = "<!-- From here on written by `UPDATE_GOLDEN=1 go test -run Documentation ./compose`. -->\n"

func TestTheDocumentationListsEveryKeyOfCompose(t *testing.T) {
	page := filepath.Join("..", "docs", "compose.md")
	intro, tables, ok := strings.Cut(testkit.Read(t, page), generatedFrom)
	if !ok {
		t.Fatalf("%s has no line %q", page, generatedFrom)
	}
	var want strings.Builder
	for _, d := range documented {
		fmt.Fprintf(&want, "\n## %s\n\n| key | here |\n|---|---|\n", d.title)
		for _, line := range d.table.documentation(d.keys) {
			want.WriteString(line)
		}
	}
	if os.Getenv("UPDATE_GOLDEN") == "1" {
		if err := os.WriteFile(page, []byte(intro+generatedFrom+want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if tables != want.String() {
		t.Errorf("%s is not what the tables of this package say; UPDATE_GOLDEN=1 go test -run Documentation ./compose writes it anew", page)
	}
}

// documentation has a line for each key, and one for all that is inside of a key that is ignored or refused.
func (t table) documentation(keys []string) (lines []string) {
	rows, told, refused := t.index(), map[string]bool{}, map[string]bool{}
	for _, key := range keys {
		r := judge(rows, key, "999.0")
		if told[r.key] {
			continue
		}
		if told[r.key] = true; r.refused != "" && refused[parent(r.key)] {
			refused[r.key] = true
			continue
		}
		refused[r.key] = r.refused != ""
		lines = append(lines, fmt.Sprintf("| `%s` | %s |\n", r.key, becomes(r, rows[r.key])))
	}
	return lines
}

func becomes(r ruling, row attribute) string {
	switch {
	case r.refused != "":
		return "refused: " + r.refused
	case r.ignored != "":
		return "ignored: " + r.ignored
	case row.since != "":
		return "mapped, from Docker API " + row.since
	case row.values != "" && slices.Contains(strings.Fields(row.name), r.key):
		return "mapped: " + row.values
	}
	return "mapped"
}

// keysOf are the keys that can be set in a value of that type. A hook before the start has the keys of a service.
func keysOf(value reflect.Type) []string {
	keys := map[string]bool{}
	collect("", value, keys)
	return slices.Sorted(maps.Keys(keys))
}

func collect(key string, t reflect.Type, keys map[string]bool) {
	switch t.Kind() {
	case reflect.Pointer:
		collect(key, t.Elem(), keys)
	case reflect.Slice, reflect.Map:
		keys[key] = true
		collect(key, t.Elem(), keys)
	case reflect.Struct:
		for i := range t.NumField() {
			field := t.Field(i)
			name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
			switch {
			case !field.IsExported() || name == "-" || field.Name == "Extensions" || field.Type == reflect.TypeFor[types.ContainerSpec]() && key == "pre_start":
			case strings.Contains(options, "inline"):
				collect(key, field.Type, keys)
			default:
				if name == "" {
					name = strings.ToLower(field.Name)
				}
				collect(strings.TrimPrefix(key+"."+name, "."), field.Type, keys)
			}
		}
	default:
		if key != "" {
			keys[key] = true
		}
	}
}
