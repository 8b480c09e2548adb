package compose

import (
	"errors"
	"strings"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// withFiles has configs and secrets of every kind. PIN and TOKEN stand in the .env.
var withFiles = `
services:
  web:
    image: "` + debian + `"
    init: true
    network_mode: none
    user: "65534"
    command: [bash, -c, "sleep 60"]
    stop_grace_period: 1s
    configs:
      - {source: inline, target: etc/app.conf, mode: 0440}
      - {source: variable, target: /srv/variable}
      - {source: file, target: /srv/file, uid: "5"}
      - inline
    secrets:
      - pin
      - {source: token, target: named, uid: "1234", gid: "1235", mode: 0400}
configs:
  inline: {content: "tag ${IMAGE_TAG} of ${COLOUR}\n"}
  variable: {environment: COLOUR}
  file: {file: ./conf}
secrets:
  pin: {environment: PIN, labels: {a: b}}
  token: {environment: TOKEN}
`

const secretsEnv = "PIN=4711\nTOKEN=geheim-token\nCOLOUR=teal\n"

func TestConfigsAndSecretsOfEveryKindReachTheContainer(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, withFiles)
	s.write("conf", "from a file")
	s.write(".env", secretsEnv)
	s.up(commitA)
	told := s.said()

	web := &Container{engine: e, project: s.settings.Project(deploy.Blue), service: "web"}
	read := func(argv ...string) string {
		t.Helper()
		text, err := web.Exec(t.Context(), argv...)
		testkit.Must(t, err)
		return text
	}
	for path, want := range map[string]string{
		"/srv/variable": "teal", "/srv/file": "from a file",
		"/inline": "tag " + string(commitA) + " of teal", "/run/secrets/pin": "4711",
	} {
		if got := read("cat", path); got != want {
			t.Errorf("%s has %q, want %q", path, got, want)
		}
	}
	// With an owner given the engine lets the container's user have the file; Compose asks for the same.
	for path, want := range map[string]string{
		"/etc/app.conf": "440 0 0", "/srv/variable": "444 0 0", "/run/secrets/pin": "444 0 0", "/run/secrets/named": "400 65534 65534",
	} {
		if got := read("stat", "-c", "%a %u %g", path); got != want {
			t.Errorf("%s has mode and owner %q, want %q", path, got, want)
		}
	}
	if !strings.Contains(told, "uid, gid and mode of config file have no effect") || !strings.Contains(told, "secret pin: labels") {
		t.Errorf("what has no effect is not told:\n%s", told)
	}

	inspected, err := e.inspect(t.Context(), s.ids()["web-1"])
	testkit.Must(t, err)
	for _, secret := range []string{"4711", "geheim"} {
		if strings.Contains(told, secret) {
			t.Errorf("the secret is in the log:\n%s", told)
		}
		for name, value := range inspected.Config.Labels {
			if strings.Contains(value, secret) || value == digest(secret) {
				t.Errorf("the secret is in label %s", name)
			}
		}
	}
}

func TestAnotherContentIsAnotherConfiguration(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, withFiles)
	s.write("conf", "from a file")
	s.write(".env", secretsEnv)
	s.up(commitA)
	same := func(change string, want bool) {
		t.Helper()
		before := s.ids()["web-1"]
		s.up(commitA)
		if after := s.ids()["web-1"]; (after == before) != want {
			t.Errorf("after %s: the container stays: %t, want %t", change, after == before, want)
		}
	}
	same("nothing", true)
	s.write(".env", strings.Replace(secretsEnv, "4711", "4712", 1))
	same("another value of a variable", false)
	s.write("conf", "from another file")
	same("another file", false)
	s.write("blue.yml", strings.Replace(withFiles, "mode: 0400", "mode: 0440", 1))
	same("another mode", false)
	same("nothing", true)
}

func TestFilesThatNoContainerCanHaveAreRefused(t *testing.T) {
	service := func(extra, object string) string {
		return "services:\n  web:\n    image: x\n    secrets: [{source: s, target: /run/x/y" + extra + "}]\nsecrets: {s: " + object + "}\n"
	}
	for name, c := range map[string]struct{ file, want, next string }{
		"external":          {service("", "{external: true}"), "secret s: external (blue.yml:5), only a swarm", ""},
		"a driver":          {service("", "{environment: PIN, driver: vault}"), "secret s: driver (blue.yml:5)", ""},
		"a template driver": {service("", "{file: ./conf, template_driver: golang}"), "secret s: template_driver", ""},
		"an unset variable": {service("", "{environment: NOPE}"), "secret s wants variable NOPE, which is not set (blue.yml:5)", "set NOPE in the .env"},
		"a named owner":     {service(", uid: www-data", "{environment: PIN}"), `numbers, not "www-data" (blue.yml:4)`, ""},
	} {
		s := newSite(t, nil, c.file)
		s.write(".env", "PIN=4711\n")
		s.write("conf", "x")
		err := s.refusal()
		testkit.ErrorContains(t, err, c.want)
		var hint *deploy.HintedError
		if c.next != "" && (!errors.As(err, &hint) || !strings.Contains(hint.Next, c.next)) {
			t.Errorf("%s: the next step of %v is not %q", name, err, c.next)
		}
		if strings.Contains(err.Error(), "4711") {
			t.Errorf("%s: the secret is in the error: %v", name, err)
		}
	}
	for key, want := range map[string]string{"read_only: true": "read_only", "tmpfs: [/run]": "the tmpfs on /run would hide it"} {
		s := newSite(t, nil, strings.Replace(service("", "{environment: PIN}"), "image: x", "image: x\n    "+key, 1))
		s.write(".env", "PIN=4711\n")
		testkit.ErrorContains(t, s.refusal(), "service web: secret s cannot be copied to /run/x/y (blue.yml:5)", want)
	}
}

func TestAnEmptySecretIsToldAndLeftOut(t *testing.T) {
	s := newSite(t, nil, "services: {web: {image: x, secrets: [s]}}\nsecrets: {s: {environment: PIN}}\n")
	s.write(".env", "PIN=\n")
	p, err := s.load(deploy.Blue)
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.blueprint(p.Services["web"], 1)
	testkit.Must(t, err)
	if len(b.files) != 0 {
		t.Errorf("copied are %v", b.files)
	}
	if notes := strings.Join(p.warnings(), "\n"); !strings.Contains(notes, "secret s is empty") {
		t.Errorf("notes are %q", notes)
	}
}
