package compose

import (
	"testing"

	"verdigris/internal/testkit"
)

func TestARawEnvFileIsTakenAsItStands(t *testing.T) {
	s := newSite(t, nil, `
services:
  web:
    image: any
    env_file: [{path: raw.env, format: raw}]
`)
	s.write("raw.env", "# a comment\nQUOTED=\"as it is\"\n  DOLLAR=$a ${b}\nEMPTY=\nNOWHERE\n")
	p, err := s.loadSlice(t.Context(), "blue", s.release(commitA))
	if err != nil {
		t.Fatal(err)
	}
	env := p.Services["web"].Environment
	for name, want := range map[string]string{"QUOTED": `"as it is"`, "DOLLAR": "$a ${b}", "EMPTY": ""} {
		if got := env[name]; got == nil || *got != want {
			t.Errorf("%s is %v, want %q", name, got, want)
		}
	}
	if _, ok := env["NOWHERE"]; ok {
		t.Error("a name without a value, which nothing sets, became a variable")
	}
	s.write("raw.env", "not a name=1\n")
	_, err = s.loadSlice(t.Context(), "blue", s.release(commitA))
	testkit.ErrorContains(t, err, "raw.env", "not a name")
}
