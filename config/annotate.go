package config

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Facts are what is known about an app when its configuration is written for the first time.
type Facts struct {
	App        string
	Repository string // git's name for it: a URL or a folder
	Branch     string
	SecretFile string // of the webhook
	EnvFile    string // with variables for the compose files; empty for none
	Split      *Split
}

// Annotate returns the example with the facts of one app in it. What the app does not have is commented out, and
// the explanations stay.
func Annotate(f Facts) (string, error) {
	e := &editor{lines: strings.Split(Example, "\n")}
	var err error
	if e.root, err = parse([]byte(Example)); err != nil {
		return "", fmt.Errorf("read the example: %w", err)
	}
	e.set("default_app", f.App)
	e.set("apps.gallery.repository.url", strconv.Quote(f.Repository))
	e.set("apps.gallery.repository.branch", f.Branch)
	e.set("apps.gallery.web.service", f.Split.Web)
	e.set("apps.gallery.web.port", strconv.Itoa(f.Split.Port))
	e.set("apps.gallery.router.service", f.Split.Router)
	e.set("apps.gallery.router.edge.service", f.Split.Edge)
	e.set("apps.gallery.router.edge.url", fmt.Sprintf("http://%s:%d", cmp.Or(f.Split.Host, "127.0.0.1"), f.Split.Public))
	e.set("apps.gallery.webhook.github.secrets", fmt.Sprintf("[{file: %s}]", f.SecretFile))
	e.set("apps.gallery.webhook.github.branches", "["+f.Branch+"]")
	e.set("apps.gallery.health.path", cmp.Or(f.Split.Health, "/"))
	if f.EnvFile != "" {
		e.set("apps.gallery.compose.env_files", "["+f.EnvFile+"]")
	}
	e.comment("apps.gallery.compose.slices.staging")
	e.comment("apps.gallery.smoke")
	if f.Split.Redis == "" {
		e.comment("apps.gallery.data")
	} else {
		e.set("apps.gallery.data.keys", `["*"]`)
		e.set("apps.gallery.data.blue.service", f.Split.Redis+"-blue")
		e.set("apps.gallery.data.green.service", f.Split.Redis+"-green")
	}
	e.rename("apps.gallery", f.App)
	return strings.Join(e.lines, "\n"), nil
}

// editor changes lines of a YAML text by the names of the fields that stand on them.
type editor struct {
	lines []string
	root  *yaml.Node
}

func (e *editor) find(field string) (key, value *yaml.Node) {
	value = e.root
	for name := range strings.SplitSeq(field, ".") {
		key, value = keyOf(value, name), child(value, name)
		if key == nil {
			panic("the example has no field " + field) // a mistake of ours that every test finds
		}
	}
	return key, value
}

var valueOfLine = regexp.MustCompile(`^(\s*[\w-]+:).*$`)

func (e *editor) set(field, value string) {
	key, _ := e.find(field)
	e.lines[key.Line-1] = valueOfLine.ReplaceAllString(e.lines[key.Line-1], "${1}") + " " + value
}

func (e *editor) rename(field, name string) {
	key, _ := e.find(field)
	e.lines[key.Line-1] = strings.Replace(e.lines[key.Line-1], key.Value+":", name+":", 1)
}

// comment puts a # before the field and everything below it.
func (e *editor) comment(field string) {
	key, value := e.find(field)
	for i := key.Line - 1; i < lastLine(value); i++ {
		if line := e.lines[i]; line != "" && !strings.HasPrefix(line, "#") {
			e.lines[i] = "#" + line
		}
	}
}

func lastLine(n *yaml.Node) int {
	last := n.Line
	for _, inner := range n.Content {
		last = max(last, lastLine(inner))
	}
	return last
}
