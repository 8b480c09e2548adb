package compose

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"verdigris/deploy"
)

// Bounds of one compose file. They are far beyond what people write, and keep a file from exhausting the machine before
// it is understood.
const (
	maxFileSize = 4 << 20
	maxDepth    = 100     // of mappings and lists in each other, aliases followed
	maxNodes    = 100_000 // with each alias counted as what it stands for
)

// source is one compose file, as YAML.
type source struct {
	path string // absolute
	docs []*yaml.Node
}

// sources are the compose files that a load has read: those of the configuration and, as they are met, those that
// include and extends name.
type sources struct {
	base string // the directory of the first file
	list []source
}

// add reads a file and refuses one that is not YAML or too large to be one.
func (s *sources) add(path string) error {
	if slices.ContainsFunc(s.list, func(known source) bool { return known.path == path }) {
		return nil
	}
	content, err := readBounded(path)
	if err != nil {
		return fmt.Errorf("load %s:1: %w", s.name(path), err)
	}
	file := source{path: path}
	for decoder := yaml.NewDecoder(bytes.NewReader(content)); ; {
		var doc yaml.Node
		err := decoder.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("load %s:%d: %s", s.name(path), max(1, lastLine(err.Error())), oneLine(err.Error()))
		}
		if line, err := bounded(&doc); err != nil {
			return fmt.Errorf("load %s:%d: %w", s.name(path), line, err)
		}
		file.docs = append(file.docs, &doc)
	}
	s.list = append(s.list, file)
	return nil
}

// readBounded reads a file that is no device and no larger than a compose file may be.
func readBounded(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err == nil && len(content) > maxFileSize {
		err = fmt.Errorf("it is larger than %d MiB, the most that a compose file may be", maxFileSize>>20)
	}
	return content, err
}

// name is a file's name for people: relative to the first file's directory where it lies below it.
func (s *sources) name(path string) string {
	if rel, err := filepath.Rel(s.base, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return filepath.Base(path)
}

// bounded returns an error, and the line of it, when a document is nested too deeply, stands for too much or contains itself.
func bounded(doc *yaml.Node) (int, error) {
	w := &weigher{weights: map[*yaml.Node]int{}}
	if err := w.weigh(doc, 0); err != nil {
		return w.line, err
	}
	return 0, nil
}

// weigher counts the nodes that a document stands for, each once that others refer to.
type weigher struct {
	weights map[*yaml.Node]int // -1 while the node is being weighed
	line    int                // of what is wrong
}

func (w *weigher) weigh(n *yaml.Node, depth int) error {
	weight, known := w.weights[n]
	if known && weight < 0 {
		return errors.New("an alias stands inside of what it stands for")
	}
	if known {
		return nil
	}
	if w.line = n.Line; depth > maxDepth {
		return fmt.Errorf("it is nested more than %d deep", maxDepth)
	}
	w.weights[n] = -1
	sum := 1
	for _, child := range referred(n) {
		line := child.Line
		if err := w.weigh(child, depth+1); err != nil {
			return err
		}
		if sum += w.weights[child]; sum > maxNodes {
			w.line = line
			return fmt.Errorf("its aliases make more than %d values of it", maxNodes)
		}
	}
	w.weights[n] = sum
	return nil
}

// referred are the nodes that a node is made of; that of an alias is what it stands for.
func referred(n *yaml.Node) []*yaml.Node {
	if n.Kind == yaml.AliasNode {
		return []*yaml.Node{n.Alias}
	}
	return n.Content
}

// watcher sees the paths of the files that compose-go is about to read for include and extends, to read them first. It
// is asked as a loader of remote files, and takes over what may not be loaded.
type watcher struct {
	sources *sources
	problem error
}

// remote files are fetched by what this package does not have: the address begins with a protocol or a git user.
var remote = regexp.MustCompile(`^([a-z0-9+.-]+:(//|[a-z])|git@|github\.com/)`)

// Accept reads the file if it is one and returns whether it, or anything else about the path, must not be loaded.
func (w *watcher) Accept(path string) bool {
	w.problem = w.look(path)
	return w.problem != nil
}

func (w *watcher) look(path string) error {
	if remote.MatchString(path) {
		return w.refuse(path, "it is on another machine, which is not supported by verdigris")
	}
	for _, dir := range w.sources.dirs() {
		file := path
		if !filepath.IsAbs(path) {
			file = filepath.Join(dir, path)
		}
		info, err := os.Stat(file)
		switch {
		case err != nil || info.IsDir():
			continue
		case !info.Mode().IsRegular():
			return w.refuse(path, "it is not a file")
		}
		return w.sources.add(file)
	}
	return nil
}

func (w *watcher) refuse(path, why string) error {
	place := w.sources.scalar(func(text string) bool { return text == path })
	return &deploy.HintedError{
		Err:  fmt.Errorf("load %s (%s): %s", path, cmp.Or(place, w.sources.names()), why),
		Next: "copy the file into the repository and name that copy",
	}
}

// Load refuses what Accept took over.
func (w *watcher) Load(context.Context, string) (string, error) { return "", w.problem }

// Dir is never asked, since nothing is loaded.
func (w *watcher) Dir(path string) string { return filepath.Dir(path) }

// dirs are the directories that a relative path may be relative to.
func (s *sources) dirs() []string {
	dirs := []string{s.base}
	for _, f := range slices.Backward(s.list) {
		dirs = append(dirs, filepath.Dir(f.path))
	}
	return dirs
}

// atLine is a place as the YAML parser writes it: line 4, and in newer releases L4.C7.
var atLine = regexp.MustCompile(`\b(?:line |L)(\d+)(?:\.C\d+)?(:?)`)

// lastLine is the line that a message of the YAML parser is about: the innermost that a colon follows, or the last that
// it names; 0 without any.
func lastLine(message string) (line int) {
	colon := false
	for _, match := range atLine.FindAllStringSubmatch(message, -1) {
		if !colon || match[2] != "" {
			line, _ = strconv.Atoi(match[1])
			colon = colon || match[2] != ""
		}
	}
	return line
}

// oneLine joins the lines of a message.
func oneLine(message string) string {
	var lines []string
	for line := range strings.Lines(message) {
		lines = append(lines, words(strings.TrimSpace(line))...)
	}
	return strings.Join(lines, "; ")
}
