package compose

import (
	"errors"
	"strings"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

func (s *site) load(slice deploy.Slice) (*project, error) {
	return s.loadSlice(s.t.Context(), slice, s.release(commitA))
}

func TestVariablesComeFromTheEnvFilesTheCheckoutAndTheSlice(t *testing.T) {
	s := newSite(t, nil, `
services:
  web:
    image: ${NAME}:${IMAGE_TAG}
    environment: {A: "${A}", B: "${B}", SLICE: "${VERDIGRIS_SLICE}", D: "${D:-default}", PASSED: }
`)
	checkout := t.TempDir()
	s.settings.EnvFiles = []string{".env", "more.env"}
	s.write(".env", "NAME=first\nA=env\n")
	s.write("more.env", "NAME=second\nPASSED=through\n")
	other := &site{t: t, dir: checkout}
	other.write("blue.yml", testkit.Read(t, s.dir+"/blue.yml"))
	other.write(".env", "NAME=checkout\nB=checkout\nIMAGE_TAG=mine\n")
	rel := s.release(commitA)
	rel.Dir = checkout

	p, err := s.loadSlice(t.Context(), deploy.Blue, rel)
	if err != nil {
		t.Fatal(err)
	}
	web := p.Services["web"]
	if want := "second:" + string(commitA); web.Image != want {
		t.Errorf("image %s, want %s", web.Image, want)
	}
	for name, want := range map[string]string{"A": "env", "B": "checkout", "SLICE": "blue", "D": "default", "PASSED": "through"} {
		if got := web.Environment[name]; got == nil || *got != want {
			t.Errorf("%s is %v, want %s", name, got, want)
		}
	}
}

func TestAnUnsetVariableIsWarnedAboutByNameAndLine(t *testing.T) {
	s := newSite(t, nil, `services:
  web:
    image: x
    environment: {A: "a${MISSING}b", B: "${OTHER:-fine}", C: "${THIRD-}"}
`)
	p, err := s.load(deploy.Blue)
	if err != nil {
		t.Fatal(err)
	}
	if a := p.Services["web"].Environment["A"]; *a != "ab" {
		t.Errorf("A is %q", *a)
	}
	got := strings.Join(p.warnings(), "\n")
	if len(p.warnings()) != 1 || !strings.Contains(got, "MISSING is not set") || !strings.Contains(got, "blue.yml:4") {
		t.Errorf("warnings: %s", got)
	}
}

func TestFilesThatCannotWorkAreRefusedByName(t *testing.T) {
	for name, c := range map[string]struct{ file, want, next string }{
		"a required variable that is missing": {
			"services:\n  web:\n    image: ${DB:?is the database}\n", "blue.yml:3", "set DB in the .env",
		},
		"a key that Compose does not know":   {"services: {web: {image: x, imagge: y}}", "imagge", ""},
		"broken YAML":                        {"services:\n  web:\n   image: [", "blue.yml", ""},
		"a dependency cycle":                 {"services: {a: {image: x, depends_on: [b]}, b: {image: x, depends_on: [a]}}", "cycle", ""},
		"a dependency that does not exist":   {"services: {a: {image: x, depends_on: [b]}}", "undefined service", ""},
		"a service without image or build":   {"services: {a: {command: x}}", "neither an image nor a build", ""},
		"a missing env_file":                 {"services: {a: {image: x, env_file: nope.env}}", "nope.env", ""},
		"two containers on one name":         {"services: {a: {image: x, scale: 2, container_name: n}}", "container_name", ""},
		"a namespace that no engine shares":  {"services: {web: {image: x}, b: {image: x, uts: 'service:web'}}", "uts: service:web", ""},
		"a key that verdigris does not map":  {"services: {web: {image: x, credential_spec: {file: y}}}", "service web: credential_spec", "take it out"},
		"a mode of a cluster":                {"services: {web: {image: x, deploy: {mode: global-job}}}", "deploy.mode: global-job", ""},
		"one host port for two containers":   {"services: {web: {image: x, scale: 2, ports: ['8080:80']}}", "port 8080", ""},
		"a secret whose file does not exist": {"services: {web: {image: x, secrets: [s]}}\nsecrets: {s: {file: ./nope}}", "secret s", "create the file"},
		"a build context that is missing":    {"services: {web: {build: ./nope}}", "nope", ""},
		"no web service":                     {"services: {app: {image: x}}", "no service web", "web.service"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, nil, c.file)
			err := s.refusal()
			testkit.ErrorContains(t, err, c.want)
			var hint *deploy.HintedError
			if c.next != "" && (!errors.As(err, &hint) || !strings.Contains(hint.Next, c.next)) {
				t.Errorf("the next step of %v is not %q", err, c.next)
			}
		})
	}
}

// refusal does what Check does, without an engine.
func (s *site) refusal() error {
	p, err := s.load(deploy.Blue)
	if err != nil {
		return err
	}
	if err := s.check(p); err != nil {
		return err
	}
	_, err = newPlan(p, observation{}, nil)
	return err
}

func TestMergeExtendsAnchorsAndProfilesWorkAsInCompose(t *testing.T) {
	s := newSite(t, nil, `
x-common: &common
  restart: always
services:
  web:
    <<: *common
    extends: {file: base.yml, service: base}
    environment: {FROM: web}
  debug:
    image: debug
    profiles: [debug]
  tool:
    image: tool
    profiles: [tools]
`)
	s.write("base.yml", "services: {base: {image: base, environment: {FROM: base, KEPT: yes}, volumes: ['./data:/data']}}")
	s.write("over.yml", "services: {web: {image: over}}")
	s.settings.SliceFiles[deploy.Blue] = []string{"blue.yml", "over.yml"}
	s.settings.Profiles = []string{"tools"}
	p, err := s.load(deploy.Blue)
	if err != nil {
		t.Fatal(err)
	}
	web := p.Services["web"]
	if web.Image != "over" || web.Restart != "always" || *web.Environment["FROM"] != "web" || *web.Environment["KEPT"] != "yes" {
		t.Errorf("web is %+v", web)
	}
	if web.Volumes[0].Source != s.dir+"/data" {
		t.Errorf("the relative path became %s", web.Volumes[0].Source)
	}
	if _, ok := p.Services["debug"]; ok {
		t.Error("debug runs without its profile")
	}
	if _, ok := p.Services["tool"]; !ok {
		t.Error("tool does not run with its profile")
	}
	if err := s.check(p); err != nil {
		t.Error(err)
	}
}

func TestAMissingEnvFileIsNamedUnlessItIsTheDefault(t *testing.T) {
	s := newSite(t, nil, "services: {web: {image: x}}")
	if _, err := s.load(deploy.Blue); err != nil {
		t.Errorf("a missing .env is an error: %v", err)
	}
	s.settings.EnvFiles = []string{"production.env"}
	_, err := s.load(deploy.Blue)
	testkit.ErrorContains(t, err, "production.env does not exist")
}

func TestAComposeFileThatIsNotThereIsNamed(t *testing.T) {
	s := newSite(t, nil, "services: {web: {image: x}}\n")
	rel := s.release(commitA)
	rel.Dir = t.TempDir()
	_, err := s.loadSlice(t.Context(), deploy.Blue, rel)
	wantHint(t, err, "blue.yml is not in the repository at commit "+commitA.Short(), "commit it")

	s.settings.SharedFiles = []string{"elsewhere.yml"}
	_, err = s.loadShared(t.Context())
	wantHint(t, err, "elsewhere.yml does not exist", "compose.shared")
}

func wantHint(t *testing.T, err error, reason, next string) {
	t.Helper()
	var hinted *deploy.HintedError
	if !errors.As(err, &hinted) || !strings.Contains(err.Error(), reason) || !strings.Contains(hinted.Next, next) {
		t.Errorf("error %+v, want %q and the hint %q", err, reason, next)
	}
}

func TestASliceWithoutAFileIsRefused(t *testing.T) {
	s := newSite(t, nil, "services: {web: {image: x}}")
	_, err := s.load(deploy.Staging)
	testkit.ErrorContains(t, err, "no compose file for slice staging")
}

func TestPathsAreRelativeToTheFirstFile(t *testing.T) {
	s := newSite(t, nil, "")
	s.settings.SliceFiles[deploy.Blue] = []string{"ops/blue.yml", "ops/more/extra.yml"}
	s.write("ops/blue.yml", "services: {web: {build: app, image: x, volumes: [./conf:/conf]}}")
	s.write("ops/more/extra.yml", "services: {web: {volumes: [./more:/more]}}")
	p, err := s.load(deploy.Blue)
	if err != nil {
		t.Fatal(err)
	}
	web := p.Services["web"]
	for got, want := range map[string]string{web.Build.Context: "/ops/app", web.Volumes[0].Source: "/ops/conf", web.Volumes[1].Source: "/ops/more"} {
		if got != s.dir+want {
			t.Errorf("the path is %s, want %s", got, s.dir+want)
		}
	}
}

func TestProfilesComeFromTheConfigurationOrTheEnvFile(t *testing.T) {
	s := newSite(t, nil, "services: {web: {image: x}, tool: {image: x, profiles: [tools]}, extra: {image: x, profiles: [more]}}")
	active := func() string {
		p, err := s.load(deploy.Blue)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(p.ServiceNames(), " ")
	}
	if got := active(); got != "web" {
		t.Errorf("without profiles: %s", got)
	}
	s.write(".env", "COMPOSE_PROFILES=tools,other\n")
	if got := active(); got != "tool web" {
		t.Errorf("with COMPOSE_PROFILES: %s", got)
	}
	s.settings.Profiles = []string{"more"}
	if got := active(); got != "extra web" {
		t.Errorf("with profiles of the configuration: %s", got)
	}
}
