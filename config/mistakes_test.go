package config

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"verdigris/deploy"
)

// TestVerdigrisYmlWrongInManyWays adds one mistake to a good file at a time.
func TestVerdigrisYmlWrongInManyWays(t *testing.T) {
	app := func(lines string) string { return small + lines }
	for _, c := range []struct{ name, text, want string }{
		{"an unknown field", app("    helth: {path: /up}\n"), `verdigris.yml:6: apps.shop.helth is not a field; did you mean "health"?`},
		{"an unknown field on top", "sever: {}\n" + small, `verdigris.yml:1: sever is not a field; did you mean "server"?`},
		{"a field that resembles nothing", "zzzzzz: 1\n" + small, "verdigris.yml:1: zzzzzz is not a field"},
		{"a duration without a unit", app("    health: {timeout: 2}\n"), `verdigris.yml:6: apps.shop.health.timeout takes a duration like 500ms, 2s or 1m30s, not "2"`},
		{"a size without sense", "server: {max_body: 25 cats}\n" + small, `verdigris.yml:1: server.max_body takes a size like 512KB, 25MB or 1GB, not "25 cats"`},
		{"a range without a size", "network_pool: 10.231.0.0\n" + small, `verdigris.yml:1: network_pool takes a range of IPv4 addresses like 10.231.0.0/16, not "10.231.0.0"`},
		{"a range that begins in its middle", "network_pool: 10.231.0.1/16\n" + small, `not "10.231.0.1/16"`},
		{"a range of the other kind of addresses", "network_pool: fd00::/64\n" + small, `not "fd00::/64"`},
		{"a range without room", "network_pool: 10.231.0.0/24\n" + small, "verdigris.yml:1: network_pool has no room for 2 networks of 256 addresses"},
		{"a text for a number", app("    keep_releases: many\n"), `apps.shop.keep_releases takes a whole number, not "many"`},
		{"a text for a list", app("    compose: {profiles: debug}\n"), "apps.shop.compose.profiles takes a list, like [a, b]"},
		{"a list for a mapping", app("    watch: [10s]\n"), "apps.shop.watch takes fields below it"},
		{"a port out of range", app("    router: {edge: {listen: [80, 90000]}}\n"), "apps.shop.router.edge.listen[1] is not a port: 90000"},
		{"a listen address without a port", "server: {listen: localhost}\n" + small, `verdigris.yml:1: server.listen takes an address and a port like 127.0.0.1:9000, not "localhost"`},
		{"a literal secret", app("    webhook: {github: {secrets: [hunter2]}}\n"), "apps.shop.webhook.github.secrets[0] holds the secret itself"},
		{"a webhook without a secret", app("    webhook: {github: {branches: [main]}}\n"), "apps.shop.webhook.github.secrets is missing"},
		{"a pattern that does not parse", app("    webhook: {github: {secrets: [{env: X}], branches: ['[']}}\n"), `branches[0] is not a pattern: "["`},
		{"a word of a choice misspelt", app("    promote: automatic\n"), `apps.shop.promote is auto or manual, not "automatic"; did you mean "auto"?`},
		{"a path without a slash", app("    health: {path: health}\n"), `apps.shop.health.path takes a path that begins with /, not "health"`},
		{"a smoke check of no status", app("    smoke: [{status: 20}]\n"), "apps.shop.smoke[0].status is not an HTTP status: 20"},
		{"a compose file outside of the repository", app("    compose: {slices: {blue: [../b.yml], green: [g.yml]}}\n"), `apps.shop.compose.slices.blue[0] is outside of the repository: "../b.yml"`},
		{"data without a redis", app("    data: {keys: [a], blue: {service: r}}\n"), "apps.shop.data.green is missing"},
		{"one redis for both slices", app("    data: {keys: [a], blue: {service: r}, green: {service: r}}\n"), "apps.shop.data.green is the same redis as data.blue"},
		{"a password in a URL", app("    data: {keys: [a], blue: {service: r}, green: {url: 'redis://u:hunter2@h:1'}}\n"), "apps.shop.data.green.url carries a password"},
		{"fields of the other router", app("    router: {kind: nginx, file: /x}\n"), "apps.shop.router.file belongs to router.kind: file"},
		{"a default app that is not there", "default_app: shp\n" + small, `verdigris.yml:1: default_app names "shp", but the apps are shop; did you mean "shop"?`},
		{"no app", "state_dir: x\n", "apps has no app"},
		{"an app with a bad name", strings.Replace(small, "shop:", "My Shop:", 1), "apps.My Shop is not a name for an app"},
		{"no repository", "apps: {shop: {web: {port: 1}}}\n", "verdigris.yml:1: apps.shop.repository.url is missing"},
		{"a repository that runs a command", strings.Replace(small, "https://example.com/shop.git", "'ext::sh -c date'", 1), "apps.shop.repository.url takes a URL"},
		{"a branch that is an option", app("    repository: {url: ., branch: --upload-pack=x}\n"), "repository"},
		{"no port", "apps: {shop: {repository: {url: .}}}\n", "apps.shop.web.port is missing"},
		{"an edge that listens nowhere", app("    router: {edge: {listen: []}}\n"), "apps.shop.router.edge.listen is empty"},
		{"TLS without a key", app("    router: {edge: {tls: {certificate: /c.pem}}}\n"), "apps.shop.router.edge.tls.key is missing"},
		{"a key of verdigris' own", app("    data: {keys: ['__verdigris:*'], blue: {url: redis://h:6379}, green: {url: 'redis://h:6379/1'}}\n"), "apps.shop.data.keys[0] is __verdigris:*: keys below __verdigris: are verdigris' own"},
		{"one database by two names", app("    data: {keys: [k], blue: {url: redis://localhost}, green: {url: 'redis://127.0.0.1:6379/0'}}\n"), "apps.shop.data.green.url leads to the same database as apps.shop.data.blue.url"},
		{"one database by two addresses of loopback", app("    data: {keys: [k], blue: {url: 'redis://[::1]:6380'}, green: {url: 'rediss://0.0.0.0:6380'}}\n"), "apps.shop.data.green.url leads to the same database as apps.shop.data.blue.url"},
		{"a hold in which nothing can be done", app("    cutover: {hold_timeout: 100ms}\n"), "apps.shop.cutover.hold_timeout cannot work with 100ms"},
		{"one database for two slices", app("    data: {keys: [k], blue: {url: redis://h:6379}, green: {url: 'redis://h:6379/0'}}\n"), "apps.shop.data.green.url leads to the same database as apps.shop.data.blue.url"},
		{"one edge for two apps", small + "  blog: {repository: {url: .}, web: {port: 80}}\n", "apps.shop.router.edge.url leads where apps.blog.router.edge.url leads"},
		{"a field set twice", app("    promote: auto\n    promote: manual\n"), "verdigris.yml:7: apps.shop.promote is set twice; the other time is on line 6"},
		{"a state folder too long for a socket", "state_dir: " + strings.Repeat("x", 100) + "\n" + small, "leads to the unix socket"},
		{"YAML that does not parse", "apps:\n  shop: {\n", "verdigris.yml:2: did not find expected"},
		{"a tab for indentation", "apps:\n\tshop: {}\n", "verdigris.yml:2: found character that cannot start any token"},
		{"a second document", small + "---\napps: {}\n", "more than one YAML document"},
		{"an empty file", "# nothing\n", "verdigris.yml: is empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(filepath.Join(write(t, map[string]string{FileName: c.text}), FileName))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got  %v\nwant %s", err, c.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the secret shows: %v", err)
			}
			var in *deploy.InputError
			if !errors.As(err, &in) {
				t.Errorf("not an input error: %T", err)
			}
		})
	}
}

func TestAllMistakesAreReportedAtOnceInTheirOrder(t *testing.T) {
	text := "state_dr: x\napps:\n  shop:\n    repository: {url: .}\n    web: {port: 99999}\n    promote: no\n    keep_releases: x\n"
	_, err := Load(filepath.Join(write(t, map[string]string{FileName: text}), FileName))
	var found Mistakes
	if !errors.As(err, &found) {
		t.Fatalf("got %v", err)
	}
	var fields []string
	for _, m := range found {
		fields = append(fields, m.Field)
	}
	equal(t, "fields", strings.Join(fields, " "), "state_dr apps.shop.web.port apps.shop.promote apps.shop.keep_releases")
	if !strings.HasPrefix(err.Error(), "there are 4 mistakes in the configuration:\n  verdigris.yml:1: state_dr") {
		t.Errorf("got %v", err)
	}
}
