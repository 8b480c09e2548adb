package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"verdigris/deploy"
)

func splitShop(t *testing.T) *Split {
	t.Helper()
	text, err := os.ReadFile("testdata/shop.yml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := SplitCompose("shop", text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// at walks down a YAML text and returns what stands there, as compact YAML.
func at(t *testing.T, text string, path ...string) string {
	t.Helper()
	n, err := parse([]byte(text))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	for _, name := range path {
		if n = child(n, name); n == nil {
			return ""
		}
	}
	if n.Kind == yaml.ScalarNode {
		return n.Value
	}
	var value any
	if err := n.Decode(&value); err != nil {
		t.Fatal(err)
	}
	out, err := yaml.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func TestServicesGoWhereTheyBelong(t *testing.T) {
	s := splitShop(t)
	services := func(text string) string {
		n, err := parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(names(child(n, "services")), " ")
	}
	equal(t, "shared", services(s.Shared), "edge router redis-blue redis-green db")
	equal(t, "blue", services(s.Blue), "web worker mailer")
	equal(t, "green", services(s.Green), "web worker mailer")
	equal(t, "web", s.Web, "web")
	equal(t, "port", s.Port, 3000)
	equal(t, "public port", s.Public, 8080)
	equal(t, "health", s.Health, "/up")
	equal(t, "redis", s.Redis, "redis")
}

func TestSlicesDoNotGetInEachOthersWay(t *testing.T) {
	s := splitShop(t)
	for _, c := range []struct {
		text string
		path string
		want string
	}{
		{s.Blue, "services web ports", "- 127.0.0.1:8081:3000"},
		{s.Green, "services web ports", "- 127.0.0.1:8082:3000"},
		{s.Blue, "services web container_name", "shop-web-blue"},
		{s.Green, "services web container_name", "shop-web-green"},
		{s.Blue, "services mailer ports", ""},
		{s.Blue, "services web image", "shop-web:${IMAGE_TAG:-dev}"},
		{s.Blue, "networks default name", "shop-blue"},
		{s.Green, "networks default name", "shop-green"},
		{s.Green, "networks default external", "true"},
		{s.Shared, "networks blue name", "shop-blue"},
		{s.Shared, "services redis-blue volumes", "- redis-blue-data:/data"},
		{s.Shared, "services redis-green volumes", "- redis-green-data:/data"},
		{s.Shared, "services redis-green ports", ""},
		{s.Shared, "services redis-green restart", "unless-stopped"},
		{s.Shared, "services db restart", "unless-stopped"},
		{s.Blue, "services mailer restart", ""},
	} {
		equal(t, c.path, at(t, c.text, strings.Fields(c.path)...), c.want)
	}
}

func TestServicesFindEachOtherUnderTheirOldNames(t *testing.T) {
	s := splitShop(t)
	equal(t, "redis of blue", at(t, s.Shared, "services", "redis-blue", "networks", "blue", "aliases"), "- redis")
	equal(t, "redis of green", at(t, s.Shared, "services", "redis-green", "networks", "green", "aliases"), "- redis")
	equal(t, "alias of db", at(t, s.Shared, "services", "db", "networks", "green", "aliases"), "- database")
	equal(t, "router", at(t, s.Shared, "services", "router", "networks"), "- blue\n- green\n- verdigris-blue\n- verdigris-green")
	equal(t, "dependencies that are left", at(t, s.Blue, "services", "web", "depends_on"), "mailer:\n    condition: service_started")
	equal(t, "no dependency is left", at(t, s.Blue, "services", "worker", "depends_on"), "")
	equal(t, "merged environment", at(t, s.Blue, "services", "worker", "environment"), "QUEUE: default\nREDIS_URL: redis://redis:6379/0")
}

func TestTheNetworksBetweenRouterAndSlicesAreNamed(t *testing.T) {
	for _, c := range []struct {
		compose string
		service string // that joins the network of its slice
		want    string // its networks; empty for what it had
	}{
		{"services: {web: {build: ., ports: ['80:3000']}}", "web", "default: {}\nverdigris-green:\n    priority: -1"},
		{"services: {web: {build: ., ports: ['80:3000'], networks: {front: {aliases: [www]}, hub: }}}\nnetworks: {front: , hub: {external: true}}", "web",
			"default:\n    aliases:\n        - www\nhub: {}\nverdigris-green:\n    priority: -1"},
		{"services: {web: {build: ., ports: ['80:3000'], network_mode: 'service:vpn'}, vpn: {image: vpn}}", "vpn", "default: {}\nverdigris-green:\n    priority: -1"},
		{"services: {web: {build: ., ports: ['80:3000'], network_mode: host}}", "web", ""},
	} {
		s, err := SplitCompose("shop", []byte(c.compose))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "networks in "+c.compose, at(t, s.Green, "services", c.service, "networks"), c.want)
		want := "external: true\nname: shop-verdigris-green"
		if c.want == "" {
			want = ""
		}
		equal(t, "the slice's network in "+c.compose, at(t, s.Green, "networks", "verdigris-green"), want)
		equal(t, "the other slice's in "+c.compose, at(t, s.Green, "networks", "verdigris-blue"), "")
		equal(t, "blue's in the shared file", at(t, s.Shared, "networks", "verdigris-blue"), "internal: true\nname: shop-verdigris-blue")
		equal(t, "the edge's networks", at(t, s.Shared, "services", "edge", "networks"), "")
	}
}

func TestWhatAPersonMustLookAtIsMarked(t *testing.T) {
	s := splitShop(t)
	for _, want := range []string{"new volume pg", "env_file", "volume uploads once for each slice", "mounts ./conf"} {
		if !strings.Contains(strings.Join(s.Notes, "\n"), want) {
			t.Errorf("no note about %q in %q", want, s.Notes)
		}
		if !strings.Contains(s.Shared+s.Blue, want) {
			t.Errorf("no comment about %q in the files", want)
		}
	}
	if !strings.Contains(s.Blue, "# The site itself.") {
		t.Error("the comments of the file are gone")
	}
}

func TestTheFormsOfPortsAreRead(t *testing.T) {
	for entry, want := range map[string][2]int{
		`"8080:80"`:                          {8080, 80},
		`"80"`:                               {0, 80},
		`80`:                                 {0, 80},
		`"127.0.0.1:8080:80/tcp"`:            {8080, 80},
		`"${PORT:-8080}:80"`:                 {8080, 80},
		`"8000-8010:80"`:                     {8000, 80},
		`"[::1]:8080:80"`:                    {8080, 80},
		`{target: 80, published: 8080}`:      {8080, 80},
		`{target: 80, published: "${P-81}"}`: {81, 80},
		`"${PORT}:80"`:                       {0, 80},
		`words`:                              {0, 0},
	} {
		n, err := parse([]byte(entry))
		if err != nil {
			t.Fatal(err)
		}
		public, container := portOf(n)
		equal(t, entry, [2]int{public, container}, want)
	}
}

func TestTheEdgeIsPublishedWhereTheAppWas(t *testing.T) {
	for entry, want := range map[string][2]string{
		`"8080:80"`:                      {"8080:8080", "http://127.0.0.1:8080"},
		`"0.0.0.0:8080:80"`:              {"8080:8080", "http://127.0.0.1:8080"},
		`"127.0.0.1:8080:80"`:            {"127.0.0.1:8080:8080", "http://127.0.0.1:8080"},
		`"${ADDRESS:-10.0.0.5}:8080:80"`: {"10.0.0.5:8080:8080", "http://10.0.0.5:8080"},
		`"[::1]:8080:80"`:                {"[::1]:8080:8080", "http://[::1]:8080"},
		`{target: 80, published: 8080, host_ip: 127.0.0.1}`: {"127.0.0.1:8080:8080", "http://127.0.0.1:8080"},
	} {
		s, err := SplitCompose("shop", []byte("services: {web: {build: ., ports: ["+entry+"]}}"))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "ports for "+entry, strings.Trim(at(t, s.Shared, "services", "edge", "ports"), "- '"), want[0])
		text, err := Annotate(Facts{App: "shop", Repository: ".", Branch: "main", SecretFile: "secret", Split: s})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "url for "+entry, load(t, text).Apps["shop"].Router.Edge.URL, want[1])
	}
}

func TestWhatCannotBeSplitIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no services":      {"version: '3'\n", "has no services"},
		"not YAML":         {"services: {", "read the compose file"},
		"an empty service": {"services: {web: }", "the service web of the compose file has no fields"},
		"no port":          {"services: {web: {build: .}}", "no service that belongs to a slice publishes a port"},
		"a strange port":   {"services: {web: {build: ., ports: ['${X}']}}", "cannot read the ports of the service web"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := SplitCompose("shop", []byte(c.text))
			var in *deploy.InputError
			if !errors.As(err, &in) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestTheAnnotatedConfigurationLoads(t *testing.T) {
	for name, compose := range map[string]string{
		"with redis":    "services: {app: {build: ., ports: ['80:3000']}, cache: {image: 'redis:7'}}",
		"without redis": "services: {app: {build: ., ports: ['80:3000']}, edge: {image: x}}",
	} {
		t.Run(name, func(t *testing.T) {
			s, err := SplitCompose("blog", []byte(compose))
			if err != nil {
				t.Fatal(err)
			}
			text, err := Annotate(Facts{App: "blog", Repository: "git@example.com:a/blog.git", Branch: "trunk", SecretFile: "secret", EnvFile: ".env", Split: s})
			if err != nil {
				t.Fatal(err)
			}
			app := load(t, text).Apps["blog"]
			equal(t, "url", app.Repository.URL, "git@example.com:a/blog.git")
			equal(t, "branch", app.Webhook.GitHub.Branches[0], "trunk")
			equal(t, "port", app.Web.Port, 3000)
			equal(t, "service", app.Web.Service, "app")
			equal(t, "edge", app.Router.Edge.Service, s.Edge)
			equal(t, "edge url", app.Router.Edge.URL, "http://127.0.0.1:80")
			equal(t, "staging", len(app.Compose.Slices.Staging), 0)
			equal(t, "data", app.Data != nil, s.Redis != "")
			if app.Data != nil {
				equal(t, "redis", app.Data.Green.Service, "cache-green")
			}
			equal(t, "env file", filepath.Base(string(app.Compose.EnvFiles[0])), ".env")
			equal(t, "secret", filepath.Base(string(app.Webhook.GitHub.Secrets[0].File)), "secret")
		})
	}
}
