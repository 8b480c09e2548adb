package compose

import (
	"strings"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

func TestWhatHasNoEffectIsToldWithItsPlace(t *testing.T) {
	s := newSite(t, nil, `services:
  web:
    image: x
    attach: false
    deploy:
      placement:
        constraints: [node.role == manager]
`)
	p, err := s.load(deploy.Blue)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.refuse(); err != nil {
		t.Fatal(err)
	}
	notes := p.ignored()
	if len(notes) != 1 || !strings.HasPrefix(notes[0], "note: service web: deploy.placement (blue.yml:6) has no effect: ") {
		t.Errorf("notes are %q", notes)
	}
}

func TestAKeyThatTheEngineIsTooOldForIsRefused(t *testing.T) {
	rows := map[string]attribute{"new": {name: "new", since: "1.44"}}
	for api, refused := range map[string]bool{"1.41": true, "1.44": false, "1.51": false} {
		if got := judge(rows, "new", api).refused; (got != "") != refused {
			t.Errorf("with API %s: %q", api, got)
		}
	}
}

func TestWhatIsInsideOfARefusedKeyIsToldOnce(t *testing.T) {
	s := newSite(t, nil, "services:\n  web:\n    image: x\n    provider:\n      type: cloud\n      options: {a: b}\n")
	p, err := s.load(deploy.Blue)
	if err != nil {
		t.Fatal(err)
	}
	err = p.refuse()
	testkit.ErrorContains(t, err, "service web: provider (blue.yml:4), what a provider runs")
	if strings.Count(err.Error(), "provider (") != 1 {
		t.Errorf("told more than once: %v", err)
	}
}

func TestNoKeyHasTwoRows(t *testing.T) {
	for _, table := range tables {
		row := map[string]string{}
		for _, a := range table.rows {
			for _, name := range strings.Fields(a.name) {
				if other, twice := row[name]; twice {
					t.Errorf("%s: %s stands in %q and in %q", table.kind, name, other, a.name)
				}
				row[name] = a.name
			}
		}
	}
}
