package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"verdigris/deploy"
)

// FileName is what a configuration is called, and Folder the folder beside it whose *.yml files are part of it.
const (
	FileName = "verdigris.yml"
	Folder   = "verdigris.d"
)

// Load reads the configuration at path: a file, with the *.yml files of verdigris.d beside it, or a folder, of
// which every *.yml file is part of the configuration. It returns Mistakes when the files are not as they should
// be. Secrets are not read; see Preflight.
func Load(path string) (*Config, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find the configuration: %w", err)
	}
	files, err := list(path)
	if err != nil {
		return nil, err
	}
	c := &Config{File: files[0], Dir: filepath.Dir(files[0]), lines: lines{}}
	c.setDefaults()
	var found Mistakes
	for _, file := range files {
		found = append(found, c.read(file)...)
	}
	c.complete()
	found = append(found, c.validate()...)
	if len(found) > 0 {
		slices.SortStableFunc(found, func(a, b Mistake) int {
			return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Field, b.Field))
		})
		return nil, found
	}
	return c, nil
}

func list(path string) ([]string, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &deploy.HintedError{
			Err:  &deploy.InputError{Reason: "there is no configuration at " + path},
			Next: "write one with `verdigris init`, or name it with --config"}
	}
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	var files []string
	folder := path
	if !info.IsDir() {
		files, folder = []string{path}, filepath.Join(filepath.Dir(path), Folder)
	}
	parts, err := filepath.Glob(filepath.Join(folder, "*.yml"))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	files = append(files, parts...)
	if len(files) == 0 {
		return nil, &deploy.InputError{Reason: fmt.Sprintf("the folder %s has no *.yml file", path)}
	}
	return files, nil
}

// read decodes one file into c.
func (c *Config) read(file string) Mistakes {
	text, err := os.ReadFile(file)
	if err != nil {
		return Mistakes{{File: file, Problem: fmt.Sprintf("cannot be read: %v", err)}}
	}
	node, err := parse(bytes.TrimPrefix(text, []byte("\ufeff")))
	if err != nil {
		return Mistakes{syntaxMistake(file, err)}
	}
	d := &decoder{file: file, dir: filepath.Dir(file), lines: c.lines}
	if _, ok := c.lines[""]; !ok {
		d.note(node, "")
	}
	d.value(node, reflect.ValueOf(c).Elem(), "")
	return d.found
}

// syntaxMistake takes the line out of yaml.v3's text, e.g. "line 3: mapping values are not allowed in this context".
func syntaxMistake(file string, err error) Mistake {
	m := Mistake{File: file, Problem: err.Error()}
	if _, scanErr := fmt.Sscanf(m.Problem, "line %d:", &m.Line); scanErr == nil {
		_, m.Problem, _ = strings.Cut(m.Problem, ": ")
	}
	return m
}

// complete fills in what follows from what was read.
func (c *Config) complete() {
	c.StateDir = c.StateDir.from(c.Dir)
	for name, app := range c.Apps {
		if app == nil {
			app = &App{Name: name, Dir: c.Dir}
			app.setDefaults()
			c.Apps[name] = app
		}
		for i, file := range app.Compose.Shared {
			app.Compose.Shared[i] = file.from(app.Dir)
		}
	}
	c.settle()
	if c.DefaultApp == "" && len(c.Apps) > 0 {
		c.DefaultApp = slices.MinFunc(c.Names(), func(a, b string) int {
			return cmp.Compare(c.lines["apps."+a].order, c.lines["apps."+b].order)
		})
	}
}
