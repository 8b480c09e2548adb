package nginx

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"verdigris/deploy"

	"verdigris/internal/testkit"
)

var update = flag.Bool("update", false, "write the golden files")

func goldenSettings() Settings {
	return Settings{
		App: "gallery", ConfDir: "/srv/gallery/nginx", RunDir: "/srv/gallery/run",
		NginxConfDir: ContainerConfDir, NginxRunDir: ContainerRunDir,
		Edge: Edge{Listen: []Listen{{Address: "8080"}}, URL: "http://127.0.0.1:8080"},
	}
}

func goldenRoute() deploy.Route {
	return deploy.Route{
		Slice: deploy.Blue, Commit: commitA, Previous: deploy.Green, Generation: 7,
		Endpoints: []deploy.Endpoint{{Container: "gallery-blue-web-1", Address: "172.18.0.5:9090"}, {Container: "gallery-blue-web-2", Address: "[fd00::6]:9090"}},
	}
}

func goldenNext() deploy.Route {
	return deploy.Route{Slice: deploy.Green, Generation: 8, Endpoints: []deploy.Endpoint{{Container: "gallery-green-web-1", Address: "172.18.0.7:5060"}}}
}

// renderings are all kinds of files, for the given settings.
func renderings(t *testing.T, s Settings) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	add := func(name string, content []byte, err error) {
		testkit.Must(t, err)
		files[name] = content
	}
	content, err := renderEdge(s)
	add("edge.conf", content, err)
	content, err = renderMain(s, upstreamFile)
	add("router.conf", content, err)
	content, err = renderInitial(s)
	add("upstream.initial.conf", content, err)
	content, err = renderRoute(s, goldenRoute())
	add("upstream.route.conf", content, err)
	content, err = renderHold(s, goldenRoute(), goldenNext(), "HOLD7", 15*time.Second)
	add("upstream.hold.conf", content, err)
	return files
}

func TestRenderedFilesAreTheGoldenOnes(t *testing.T) {
	t.Parallel()
	files := renderings(t, goldenSettings())
	tls := goldenSettings()
	tls.Edge = Edge{Listen: []Listen{{Address: "80"}, {Address: "443", TLS: true}}, Certificate: "/etc/tls/site.pem", Key: "/etc/tls/site.key"}
	content, err := renderEdge(tls)
	testkit.Must(t, err)
	files["edge.tls.conf"] = content
	for name, content := range files {
		golden := filepath.Join("testdata", name+".golden")
		if *update {
			testkit.Must(t, os.WriteFile(golden, content, 0o644))
		}
		want, err := os.ReadFile(golden)
		testkit.Must(t, err)
		if string(want) != string(content) {
			t.Errorf("%s differs from its golden file; run go test ./nginx -update and look at the difference. It is:\n%s", name, content)
		}
	}
}

func TestNginxAcceptsEveryRenderedFile(t *testing.T) {
	t.Parallel()
	testkit.NeedProgram(t, "nginx")
	dir := testkit.ShortDir(t)
	s := goldenSettings()
	s.ConfDir, s.RunDir, s.TempDir, s.NginxConfDir, s.NginxRunDir = dir, dir, dir, "", ""
	certificate, key := selfSigned(t, dir)
	s.Edge = Edge{Listen: []Listen{{Address: testkit.FreeAddress(t)}, {Address: testkit.FreeAddress(t), TLS: true}}, Certificate: certificate, Key: key}
	process := localProcess{}
	for name, content := range renderings(t, s) {
		main := filepath.Join(dir, name)
		testkit.Must(t, os.WriteFile(main, content, 0o644))
		if strings.HasPrefix(name, "upstream") {
			router, err := renderMain(s, name)
			testkit.Must(t, err)
			main = filepath.Join(dir, "router."+name)
			testkit.Must(t, os.WriteFile(main, router, 0o644))
		} else if name == "router.conf" {
			continue // the cases above hold it
		}
		if err := process.Test(t.Context(), main); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheTruthIsReadFromTheFirstLine(t *testing.T) {
	t.Parallel()
	files := renderings(t, goldenSettings())
	next := goldenNext()
	for name, want := range map[string]truth{
		"upstream.initial.conf": {Route: deploy.Route{Endpoints: []deploy.Endpoint{}}},
		"upstream.route.conf":   {Route: goldenRoute()},
		"upstream.hold.conf":    {Route: goldenRoute(), Next: deploy.Green, Hold: "HOLD7", To: &next},
	} {
		got, err := parseTruth(files[name])
		testkit.Must(t, err)
		a, err := got.header()
		testkit.Must(t, err)
		b, err := want.header()
		testkit.Must(t, err)
		if a != b {
			t.Errorf("%s: %s instead of %s", name, a, b)
		}
	}
	for text, want := range map[string]string{
		"upstream live {}":                           "not verdigris's",
		truthMark + `{"slice":`:                      "cannot be read",
		truthMark + `{"slice":"staging"}`:            "cannot be live",
		"\n" + truthMark + `{"slice":"blue"}` + "\n": "not verdigris's",
	} {
		if _, err := parseTruth([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestNoNameLeavesTheComment(t *testing.T) {
	t.Parallel()
	route := goldenRoute()
	route.Endpoints[0].Container = "web\n} evil;\u2028\r"
	content, err := renderRoute(goldenSettings(), route)
	testkit.Must(t, err)
	line, rest, _ := strings.Cut(string(content), "\n")
	testkit.Contains(t, line, "evil")
	if strings.Contains(rest, "evil") {
		t.Error("a container's name became part of the configuration")
	}
}

func TestSettingsThatNginxWouldMisreadAreRefused(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*Settings){
		"a space in a path":       func(s *Settings) { s.NginxRunDir = "/run/my app" },
		"a variable":              func(s *Settings) { s.NginxConfDir = "/etc/$host" },
		"a directive":             func(s *Settings) { s.Edge.Listen = []Listen{{Address: "80; }"}} },
		"an app with a new line":  func(s *Settings) { s.App = "a\nb" },
		"TLS without certificate": func(s *Settings) { s.Edge.Listen = []Listen{{Address: "443", TLS: true}} },
		"no directory":            func(s *Settings) { s.ConfDir = "" },
		"nothing to listen on":    func(s *Settings) { s.Edge.Listen = nil },
	} {
		s := goldenSettings()
		spoil(&s)
		if _, err := New(s, localProcess{}, localProcess{}); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestAForeignUpstreamFileIsNotOverwritten(t *testing.T) {
	t.Parallel()
	dir := testkit.ShortDir(t)
	s := goldenSettings()
	s.ConfDir, s.RunDir, s.NginxConfDir, s.NginxRunDir = dir, dir, "", ""
	testkit.Must(t, os.WriteFile(filepath.Join(dir, upstreamFile), []byte("upstream mine {}\n"), 0o644))
	r, err := New(s, localProcess{PIDFile: filepath.Join(dir, "none")}, localProcess{})
	testkit.Must(t, err)
	_, prepareErr := r.Prepare(t.Context())
	_, currentErr := r.Current(t.Context())
	for name, err := range map[string]error{"Prepare": prepareErr, "Current": currentErr, "Apply": r.Apply(t.Context(), goldenRoute())} {
		var hint *deploy.HintedError
		if !errors.As(err, &hint) || !errors.Is(err, errNoTruth) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
