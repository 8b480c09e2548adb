package config

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Validate looks at the configuration as a whole and returns all Mistakes at once, or nil. Load has done so
// already; it is for configurations that were changed since.
func (c *Config) Validate() error {
	if found := c.validate(); len(found) > 0 {
		return found
	}
	return nil
}

func (c *Config) validate() Mistakes {
	k := &checker{c: c}
	k.server()
	k.networkPool()
	if len(c.Apps) == 0 {
		k.wrong("apps", "has no app: verdigris needs at least one")
	} else if _, ok := c.Apps[c.DefaultApp]; !ok {
		k.wrong("default_app", "names %q, but the apps are %s%s", c.DefaultApp, strings.Join(c.Names(), ", "), meant(c.DefaultApp, c.Names()))
	}
	for _, name := range c.Names() {
		(&appChecker{checker: k, app: c.Apps[name], at: "apps." + name}).check()
	}
	k.edges(literally)
	k.databases(literally)
	k.routerFiles()
	return k.found
}

// checker collects mistakes. Its methods name the field, what is wrong and what is right.
type checker struct {
	c     *Config
	found Mistakes
}

func (k *checker) wrong(field, format string, args ...any) {
	at := k.c.lines.near(field)
	k.found = append(k.found, Mistake{File: at.file, Line: at.line, Field: field, Problem: fmt.Sprintf(format, args...)})
}

func (k *checker) server() {
	s := k.c.Server
	host, port, err := net.SplitHostPort(s.Listen)
	number, portErr := strconv.Atoi(port)
	if err != nil || portErr != nil || number < 0 || number > 65535 || strings.Contains(host, "/") {
		k.wrong("server.listen", "takes an address and a port like 127.0.0.1:9000, not %q", s.Listen)
	}
	if s.MaxBody <= 0 {
		k.wrong("server.max_body", "must be more than 0; GitHub sends up to 25MB")
	}
	k.socket("server.socket", string(s.Socket))
}

// networkPool wants room for two networks of 256 addresses for each app.
func (k *checker) networkPool() {
	if pool := k.c.NetworkPool.Prefix(); pool.IsValid() && (pool.Bits() > 23 || 1<<(24-pool.Bits()) < 2*len(k.c.Apps)) {
		k.wrong("network_pool", "has no room for %d networks of 256 addresses, two for each app: %s", 2*len(k.c.Apps), pool)
	}
}

// socket checks the length of a unix socket's path: the kernel takes 107 bytes (unix(7), sun_path).
func (k *checker) socket(field, path string) {
	if len(path) > 107 {
		k.wrong(field, "leads to the unix socket %s, whose path has %d bytes and may have 107: use a shorter folder", path, len(path))
	}
}

func (k *checker) port(field string, port int) {
	if port < 1 || port > 65535 {
		k.wrong(field, "is not a port: %d; ports are 1 to 65535", port)
	}
}

func (k *checker) ports(field string, ports []int) {
	for i, port := range ports {
		k.port(fmt.Sprintf("%s[%d]", field, i), port)
	}
}

func (k *checker) positive(field string, d Duration) {
	if d <= 0 {
		k.wrong(field, "must be more than 0, not %s", d)
	}
}

func (k *checker) atLeast(field string, value, least int) {
	if value < least {
		k.wrong(field, "must be at least %d, not %d", least, value)
	}
}

func (k *checker) status(field string, status int) {
	if status < 100 || status > 599 {
		k.wrong(field, "is not an HTTP status: %d; they are 100 to 599", status)
	}
}

func (k *checker) urlPath(field, path string) {
	if u, err := url.ParseRequestURI(path); err != nil || !strings.HasPrefix(path, "/") || u.Fragment != "" {
		k.wrong(field, "takes a path that begins with /, not %q", path)
	}
}

func (k *checker) url(field, text string, schemes ...string) *url.URL {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || !slices.Contains(schemes, u.Scheme) {
		k.wrong(field, "takes a URL like %s://host:port, not %q", schemes[0], hidePassword(text))
		return nil
	}
	if _, has := u.User.Password(); has {
		k.wrong(field, "carries a password, and verdigris.yml is no place for one: use the field for it with {env: NAME} or {file: path}")
		return nil
	}
	return u
}

// hidePassword hides everything up to the host: a password that is not written as a URL wants it may hold anything.
func hidePassword(text string) string {
	return regexp.MustCompile(`:.*@`).ReplaceAllString(text, ":***@")
}

func (k *checker) oneOf(field, value string, known ...string) {
	if !slices.Contains(known, value) {
		k.wrong(field, "is %s, not %q%s", strings.Join(known, " or "), value, meant(value, known))
	}
}

func (k *checker) required(field, value, what string) {
	if value == "" {
		k.wrong(field, "is missing: %s", what)
	}
}

func (k *checker) globs(field string, patterns []string) {
	for i, pattern := range patterns {
		if pattern == "" || !doublestar.ValidatePattern(pattern) {
			k.wrong(fmt.Sprintf("%s[%d]", field, i), "is not a pattern: %q; use names with *, ** and ?, e.g. release/*", pattern)
		}
	}
}

// inside checks files that belong to a checkout: they must stay inside it.
func (k *checker) inside(field string, files []string) {
	for i, file := range files {
		if !filepath.IsLocal(file) {
			k.wrong(fmt.Sprintf("%s[%d]", field, i), "is outside of the repository: %q; the slices' files come from the commit that is deployed", file)
		}
	}
}
