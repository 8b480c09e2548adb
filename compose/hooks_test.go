package compose

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// diarist is a container command that notes in /events/log which signal ends it, and in /events/up that it hears signals
// from then on. NAME is its name there. It waits in a way that a signal ends at once.
const diarist = `[bash, -c, 'for s in TERM INT USR1; do trap "echo $$NAME $$s >> /events/log; exit 0" $$s; done; echo up; echo $$NAME >> /events/up; sleep infinity & wait']`

// diarists waits until that many of them have come up since the last call, and hear signals.
func (s *site) diarists(n int) {
	s.t.Helper()
	path := filepath.Join(s.dir, "events", "up")
	testkit.Eventually(s.t, fmt.Sprintf("%d diarists hear signals", n), func() bool {
		content, _ := os.ReadFile(path) // it is made by the first
		return strings.Count(string(content), "\n") == n
	})
	testkit.Must(s.t, os.Remove(path))
}

// diary returns what containers noted since the last call.
func (s *site) diary() []string {
	s.t.Helper()
	path := filepath.Join(s.dir, "events", "log")
	text := testkit.Read(s.t, path)
	s.write("events/log", "")
	return words(strings.Split(text, "\n")...)
}

var hooked = `
services:
  web:
    image: "` + debian + `"
    network_mode: none
    command: ` + diarist + `
    environment: {NAME: web, SHARED: inherited}
    volumes: [./events:/events]
    pre_start:
      - {command: [sh, -c, 'echo pre_start of $$NAME >> /events/log; echo preparing']}
      - {image: "` + redis + `", command: [sh, -c, 'echo pre_start 2 >> /events/log; redis-cli --version']}
    post_start:
      - {command: [sh, -c, 'echo "$$WHO $$SHARED $$(id -u) $$PWD"'], user: "65534", working_dir: /tmp, environment: {WHO: me, SHARED: inherited}}
      - {command: [sh, -c, 'echo post_start >> /events/log']}
    pre_stop:
      - {command: [sh, -c, 'echo pre_stop >> /events/log']}
`

func TestHooksRunAroundEveryStartAndStop(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, hooked)
	s.write("events/log", "")
	s.up(commitA)
	s.diarists(1)
	begun := []string{"pre_start of web", "pre_start 2", "post_start"}
	if got := s.diary(); !slices.Equal(got, begun) {
		t.Errorf("at the start: %q, want %q", got, begun)
	}
	told := s.said()
	for _, want := range []string{"-web-pre_start-0 -> preparing", "-web-1 -> me inherited 65534 /tmp", "environment of its hooks stands in a label"} {
		if !strings.Contains(told, want) {
			t.Errorf("%q is not told:\n%s", want, told)
		}
	}
	inspected, err := e.inspect(t.Context(), s.ids()["web-1"])
	testkit.Must(t, err)
	if label := inspected.Config.Labels[labelHooks]; strings.Contains(label, "SHARED\":") {
		t.Errorf("the label has what the container's environment has: %s", label)
	}

	s.up(commitA)
	if got := s.diary(); len(got) > 0 {
		t.Errorf("with nothing changed: %q", got)
	}

	s.write("blue.yml", strings.Replace(hooked, "post_start >>", "again >>", 1))
	s.up(commitA)
	s.diarists(1)
	want := []string{"pre_stop", "web TERM", "pre_start of web", "pre_start 2", "again"}
	if got := s.diary(); !slices.Equal(got, want) {
		t.Errorf("with a hook changed: %q, want %q", got, want)
	}

	testkit.Must(t, os.Remove(filepath.Join(s.dir, "blue.yml")))
	testkit.Must(t, s.Stop(t.Context(), deploy.Blue, s.log))
	if got := s.diary(); !slices.Equal(got, []string{"pre_stop", "web TERM"}) {
		t.Errorf("at the stop: %q", got)
	}
	if left := leftovers(t, e, s.settings.App); len(left) > 0 {
		t.Errorf("left are %q", left)
	}
}

func TestAHookThatFailsFailsTheStart(t *testing.T) {
	t.Parallel()
	e := connected(t)
	good := `services: {web: {image: "` + debian + `", network_mode: none, command: ` + diarist + `, environment: {NAME: good}, volumes: ["./events:/events"], HOOKS}}`
	hook := func(kind, command string) string {
		return strings.Replace(good, "HOOKS", kind+": [{command: [sh, -c, '"+command+"']}]", 1)
	}
	s := newSite(t, e, hook("post_start", "echo post_start >> /events/log"))
	s.write("events/log", "")
	s.up(commitA)
	before := s.ids()
	s.diary()
	for kind, want := range map[string]string{
		"post_start": "post_start hook 1 of container " + s.settings.Project(deploy.Blue) + "-web-1 exited with status 3",
		"pre_start":  "container " + s.settings.Project(deploy.Blue) + "-web-pre_start-0 exited with status 3",
	} {
		s.write("blue.yml", hook(kind, "echo first; echo last words >&2; exit 3"))
		err := s.Start(t.Context(), deploy.Blue, s.release(commitB), s.log)
		testkit.ErrorContains(t, err, want)
		var logged *deploy.LoggedError
		if !errors.As(err, &logged) || !slices.Contains(logged.Lines, "last words") {
			t.Errorf("the lines of %v are missing", err)
		}
		if after := s.ids(); len(after) != 1 || after["web-1"] != before["web-1"] {
			t.Errorf("after a failed %s hook there are %v, before %v", kind, after, before)
		}
		if got := s.diary(); len(got) == 0 || got[len(got)-1] != "post_start" {
			t.Errorf("what was brought back did not have its hook again: %q", got)
		}
	}
}

func TestAFailingOrHangingPreStopHookIsToldAndKeepsNobodyFromStopping(t *testing.T) {
	t.Parallel()
	e := connected(t)
	for command, want := range map[string]string{
		"echo no; exit 4": "pre_stop hook 1 of container NAME exited with status 4; the container is stopped all the same",
		"sleep 60":        "pre_stop hook 1 of container NAME: its pre_stop hooks did not end within 500ms",
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, e, `services: {web: {image: "`+debian+`", network_mode: none, command: `+diarist+`, environment: {NAME: web}, volumes: ["./events:/events"], pre_stop: [{command: [sh, -c, "`+command+`"]}]}}`)
			s.write("events/log", "")
			s.up(commitA)
			s.diarists(1)
			impatient := *e
			if strings.HasPrefix(command, "sleep") { // the other one is not to be cut short on a busy machine
				impatient.HookTimeout = 500 * time.Millisecond
			}
			s.engine = &impatient
			testkit.Must(t, s.Stop(t.Context(), deploy.Blue, s.log))
			testkit.Contains(t, s.said(), strings.Replace(want, "NAME", s.settings.Project(deploy.Blue)+"-web-1", 1))
			if got := s.diary(); !slices.Equal(got, []string{"web TERM"}) {
				t.Errorf("the container noted %q", got)
			}
		})
	}
}

func TestAPreStartHookIsJudgedAsAService(t *testing.T) {
	rows := serviceTable.index()
	for key, refused := range map[string]string{
		"pre_start.command": "", "pre_start.volumes.target": "", "pre_start.models": "no model runner",
		"pre_start.volumes.nonsense": "no mapping", "pre_start.per_replica": "does not support it yet",
	} {
		got := judge(rows, key, minimumAPI)
		if (got.refused == "") != (refused == "") || !strings.Contains(got.refused, refused) || !strings.HasPrefix(got.key, "pre_start.") {
			t.Errorf("%s: %+v, want %q", key, got, refused)
		}
	}
	s := newSite(t, nil, "services:\n  web:\n    image: x\n    credential_spec: {file: x}\n    pre_start: [{command: y, per_replica: true}]\n")
	err := s.refusal()
	testkit.ErrorContains(t, err, "pre_start.per_replica (blue.yml:5)", "credential_spec")
	if strings.Contains(err.Error(), "pre_start.credential_spec") {
		t.Errorf("what the hook inherits is told twice: %v", err)
	}
}
