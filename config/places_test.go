package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// twoApps is a configuration of two apps with their own lines.
func twoApps(t *testing.T, dir, first, second string) error {
	t.Helper()
	text := "default_app: one\napps:\n"
	for name, lines := range map[string]string{"one": first, "two": second} {
		text += fmt.Sprintf("  %s:\n    repository: {url: https://example.org/%s.git}\n    web: {port: 80}\n%s", name, name, lines)
	}
	path := filepath.Join(dir, "verdigris.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load(path)
	return err
}

func TestLoad_OneRouterFileInAnySpelling_IsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "conf"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("conf", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	router := func(file string) string {
		return fmt.Sprintf("    router: {kind: file, file: %s, test: [nginx, -t], reload: [nginx, -s, reload], url: http://127.0.0.1}\n", file)
	}
	for file, want := range map[string]bool{
		"conf/x.conf": true, filepath.Join(dir, "conf/x.conf"): true, "conf/../conf/x.conf": true, "link/x.conf": true,
		"conf/y.conf": false, "other/x.conf": false,
	} {
		err := twoApps(t, dir, router("conf/x.conf"), router(file))
		if refused := err != nil && strings.Contains(err.Error(), "router.file is the file of apps."); refused != want {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestLoad_OneEdgeByTwoNames_IsRefused(t *testing.T) {
	edge := func(url string) string { return fmt.Sprintf("    router: {edge: {url: '%s'}}\n", url) }
	for url, want := range map[string]bool{
		"http://localhost:8080": true, "http://[::1]:8080": true, "http://0.0.0.0:8080": true, "http://127.0.0.1:8080/": true,
		"http://127.0.0.1:8081": false, "http://192.0.2.7:8080": false,
	} {
		err := twoApps(t, t.TempDir(), edge("http://127.0.0.1:8080"), edge(url))
		if refused := err != nil && strings.Contains(err.Error(), "every app has an edge of its own"); refused != want {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestApart_NameThatResolvesToTheOtherAddress_IsRefused(t *testing.T) {
	c := &Config{Apps: map[string]*App{"shop": {Data: &Data{Blue: Redis{URL: "redis://cache.internal:6379"}, Green: Redis{URL: "redis://192.0.2.7"}}}}}
	knows := func(address string) resolver {
		return func(host string) []string { return append(literally(host), literally(address)...) }
	}
	for address, want := range map[string]int{"192.0.2.7": 1, "192.0.2.8": 0} {
		k := &checker{c: c}
		if k.databases(func(host string) []string {
			if host == "cache.internal" {
				return knows(address)(host)
			}
			return literally(host)
		}); len(k.found) != want {
			t.Errorf("%s: %v", address, k.found)
		}
	}
	if known := lookUp(t.Context())("localhost"); len(known) != 1 || known[0] != "loopback" {
		t.Errorf("localhost is known as %q", known)
	}
}
