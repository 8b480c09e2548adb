package oracle

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// sample is one project of the corpus.
type sample struct {
	name  string // e.g. features/ports
	files []string
	notes notes
}

// notes are what a compose file says to the oracle, under x-oracle.
type notes struct {
	Profiles []string `yaml:"profiles"`
	// Slice has the project come up as a slice of an app too.
	Slice bool `yaml:"slice"`
	// Unshared has it come up as a slice alone: the shared services cannot be so.
	Unshared bool `yaml:"unshared"`
	// Web is the service that answers requests, and Router the one that passes them on, which a network joins.
	Web    string `yaml:"web"`
	Router string `yaml:"router"`
	// Networks and Volumes are made beforehand; the file names them ${ORACLE_APP}-<name>.
	Networks []string `yaml:"networks"`
	Volumes  []string `yaml:"volumes"`
	// Files are paths in the containers of a service whose content, owner and mode are compared.
	Files map[string][]string `yaml:"files"`
	// Builds has it wait for others that build: the classic builder's cache does not stand one being removed beside it.
	Builds bool `yaml:"builds"`
	// Rebuilds says that it builds at every start: the SDK's builder makes another image then, and other containers.
	Rebuilds bool `yaml:"rebuilds"`
	// Fails is a part of the error that both must end with.
	Fails string `yaml:"fails"`
	// MayFail is a part of the error that both end with where the machine does not let the engine do it.
	MayFail string `yaml:"may_fail"`
}

// samples returns the projects below corpus/<group>.
func samples(t testing.TB, group string) []sample {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join("corpus", group))
	if err != nil {
		t.Fatal(err)
	}
	var list []sample
	for _, e := range entries {
		s := sample{name: group + "/" + strings.TrimSuffix(e.Name(), ".yml"), files: []string{e.Name()}}
		if e.IsDir() {
			s.files = composeFiles(t, filepath.Join("corpus", group, e.Name()))
		}
		if group != "refused" { // where a file need not even be YAML
			s.notes = readNotes(t, filepath.Join(s.source(), s.files[0]))
		}
		list = append(list, s)
	}
	if len(list) == 0 {
		t.Fatalf("there is nothing in corpus/%s", group)
	}
	return list
}

// source is the directory that the project is copied from.
func (s sample) source() string {
	dir := filepath.Join("corpus", s.name)
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return dir
	}
	return filepath.Dir(dir)
}

// composeFiles returns compose.yml and, where there is one, what is merged over it.
func composeFiles(t testing.TB, dir string) []string {
	t.Helper()
	files := []string{"compose.yml"}
	if _, err := os.Stat(filepath.Join(dir, "compose.override.yml")); err == nil {
		files = append(files, "compose.override.yml")
	}
	return files
}

func readNotes(t testing.TB, file string) notes {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Notes notes `yaml:"x-oracle"`
	}
	if err := yaml.Unmarshal(content, &document); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return document.Notes
}

// copyTo puts the project into dir, together with a .env that names the images and the app.
func (s sample) copyTo(t testing.TB, dir, app string) {
	t.Helper()
	source := s.source()
	if filepath.Base(source) == filepath.Base(s.name) {
		if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
			t.Fatal(err)
		}
	} else {
		content, err := os.ReadFile(filepath.Join(source, s.files[0]))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, s.files[0]), string(content))
	}
	variables := maps.Clone(images)
	variables["ORACLE_APP"] = app
	env, err := os.ReadFile(filepath.Join(dir, ".env"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	lines := string(env)
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		lines += name + "=" + variables[name] + "\n"
	}
	write(t, filepath.Join(dir, ".env"), lines)
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), fs.FileMode(0o644)); err != nil {
		t.Fatal(err)
	}
}
