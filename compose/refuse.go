package compose

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"verdigris/deploy"
)

// The keys below a network, volume, config and secret of the project that are mapped; resources.go and mounts.go
// do it.
var (
	networkKeys = handled([]attribute{
		{name: "name driver driver_opts external internal attachable labels enable_ipv6"},
		{name: "ipam", parts: "driver config options config.subnet config.gateway config.ip_range config.aux_addresses"},
	})
	volumeKeys = handled([]attribute{{name: "name driver driver_opts external labels"}})
	fileKeys   = handled([]attribute{{name: "name file"}})
)

// refuse returns an error that names everything in the project that has no mapping.
func (p *project) refuse() error {
	names := p.unmapped()
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	return &deploy.HintedError{
		Err:  fmt.Errorf("not supported by verdigris: %s", strings.Join(names, "; ")),
		Next: "take it out of the compose file, or run that part outside of verdigris",
	}
}

func (p *project) unmapped() (names []string) {
	add := func(kind, name string, value any, known map[string]bool) {
		for _, unmapped := range unknown(value, known) {
			path := []string{key(kind + "s"), key(name)}
			for _, part := range strings.Split(unmapped, ".") {
				path = append(path, key(part))
			}
			names = append(names, fmt.Sprintf("%s %s: %s (%s)", kind, name, unmapped, where(p.files, path...)))
		}
	}
	services := handled(attributes)
	for name, s := range p.Services {
		add("service", name, s, services)
	}
	for name, n := range p.Networks {
		add("network", name, n, networkKeys)
	}
	for name, v := range p.Volumes {
		add("volume", name, v, volumeKeys)
	}
	for name, c := range p.Configs {
		add("config", name, c, fileKeys)
	}
	for name, s := range p.Secrets {
		add("secret", name, s, fileKeys)
	}
	for name := range p.Jobs {
		names = append(names, fmt.Sprintf("job %s (%s)", name, where(p.files, key("jobs"))))
	}
	for name := range p.Models {
		names = append(names, fmt.Sprintf("model %s (%s)", name, where(p.files, key("models"))))
	}
	return names
}

// unknown returns the keys that are set in a value of compose-go's types and are not known, as they are written in
// a compose file. It walks the types by reflection, so that a key that a newer compose-go adds is unknown at first.
func unknown(value any, known map[string]bool) []string {
	found := map[string]bool{}
	walk("", reflect.ValueOf(value), func(key string) {
		if key != "" && !known[key] {
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
