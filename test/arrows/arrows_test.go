// Package arrows holds the imports of the house against its plan: which room may know which, and which library
// is reached from where.
package arrows

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

type listed struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

const (
	module  = "verdigris/"
	testkit = module + "internal/testkit"
)

// adapters know deploy and not each other.
var adapters = []string{"compose", "nginx", "redisync", "source", "webhooks", "store", "server", "config"}

// only says in which room a library may be imported.
var only = map[string]string{
	"github.com/docker/docker/":  "compose",
	"github.com/compose-spec/":   "compose",
	"github.com/moby/buildkit/":  "compose",
	"github.com/redis/go-redis/": "redisync",
	"github.com/labstack/echo/":  "server",
	"github.com/prometheus/":     "server",
	"gopkg.in/yaml.v3":           "config",
	"modernc.org/sqlite":         "store",
	"github.com/spf13/cobra":     "cmd",
	"github.com/pterm/pterm":     "cmd",
	"github.com/anishathalye/":   "test",
	"github.com/coder/websocket": "test", // the load generator's, which cmd lends to users as verdigris bench
}

func room(path string) string {
	r, _, _ := strings.Cut(strings.TrimPrefix(path, module), "/")
	return r
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 5 {
		t.Fatalf("go list found %d packages only", len(all))
	}
	return all
}

func TestTheDomainImportsTheStandardLibraryAlone(t *testing.T) {
	for _, p := range packages(t) {
		if room(p.ImportPath) != "deploy" {
			continue
		}
		for _, i := range p.Imports {
			if strings.Contains(i, ".") || strings.HasPrefix(i, module) {
				t.Errorf("%s imports %s", p.ImportPath, i)
			}
		}
	}
}

func TestAdaptersDoNotKnowEachOther(t *testing.T) {
	for _, p := range packages(t) {
		from := room(p.ImportPath)
		if !slices.Contains(adapters, from) {
			continue
		}
		for _, i := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if to := room(i); strings.HasPrefix(i, module) && i != testkit && to != from && to != "deploy" && to != "test" {
				t.Errorf("%s imports %s", p.ImportPath, i)
			}
		}
	}
}

func TestOnlyTestsImportTheTestkit(t *testing.T) {
	for _, p := range packages(t) {
		if slices.Contains(p.Imports, testkit) {
			t.Errorf("%s imports %s", p.ImportPath, testkit)
		}
	}
}

func TestEachLibraryIsReachedFromItsRoomAlone(t *testing.T) {
	for _, p := range packages(t) {
		for _, i := range p.Imports {
			for library, home := range only {
				if strings.HasPrefix(i, library) && room(p.ImportPath) != home {
					t.Errorf("%s imports %s, which belongs into %s", p.ImportPath, i, home)
				}
			}
		}
	}
}
