package config

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

// Preflight looks at what the configuration needs from this machine: that every secret can be read and every
// file that it names is there. The error is Mistakes; warnings are for people.
func (c *Config) Preflight() (warnings []string, err error) {
	k := &checker{c: c}
	k.visit("", reflect.ValueOf(c).Elem(), func(field string, value any) {
		switch v := value.(type) {
		case Secret:
			warnings = append(warnings, k.secret(field, v)...)
		case Path:
			k.present(field, v)
		}
	})
	for _, name := range c.Names() {
		app := c.Apps[name]
		if url := app.Repository.URL; filepath.IsAbs(url) {
			k.present("apps."+name+".repository.url", Path(url))
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	resolve := lookUp(ctx)
	k.edges(resolve)
	k.databases(resolve)
	if len(k.found) > 0 {
		return warnings, k.found
	}
	return warnings, nil
}

// written are paths that verdigris or nginx makes itself.
func written(field string) bool {
	return field == "state_dir" || field == "server.socket" || strings.HasSuffix(field, ".router.file")
}

func (k *checker) present(field string, path Path) {
	if path == "" || written(field) {
		return
	}
	if _, err := os.Stat(string(path)); err != nil {
		k.wrong(field, "names %s, which is not there", path)
	}
}

func (k *checker) secret(field string, s Secret) (warnings []string) {
	if _, err := s.Reveal(); err != nil {
		k.wrong(field, "has no secret: %v", err)
	}
	if s.Exposed() {
		warnings = append(warnings, fmt.Sprintf("%s: every user of this machine may read %s; close it with: chmod 600 %s", field, s.File, s.File))
	}
	return warnings
}

// visit calls found for every value that has a name of its own in the YAML, secrets and paths among them.
func (k *checker) visit(field string, v reflect.Value, found func(field string, value any)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			k.visit(field, v.Elem(), found)
		}
		return
	case reflect.Map:
		for _, key := range v.MapKeys() {
			k.visit(join(field, key.String()), v.MapIndex(key), found)
		}
		return
	case reflect.Slice:
		for i := range v.Len() {
			k.visit(fmt.Sprintf("%s[%d]", field, i), v.Index(i), found)
		}
		return
	}
	found(field, v.Interface())
	if v.Kind() == reflect.Struct {
		for _, name := range yamlNames(v.Type()) {
			k.visit(join(field, name), v.FieldByIndex(yamlIndex(v.Type(), name)), found)
		}
	}
}
