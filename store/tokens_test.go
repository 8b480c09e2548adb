package store

import (
	"bytes"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"verdigris/deploy"
)

func TestATokenOpensUntilItIsRemoved(t *testing.T) {
	s := open(t)
	text := must[string](t)(s.CreateToken(t.Context(), "ci"))
	if !regexp.MustCompile(`^vdg_[A-Za-z0-9_-]{43}$`).MatchString(text) {
		t.Errorf("the token does not have its documented form")
	}
	other := must[string](t)(s.CreateToken(t.Context(), "ada@laptop"))
	for given, want := range map[string]string{text: "ci", other: "ada@laptop"} {
		if name, ok, err := s.VerifyToken(t.Context(), given); name != want || !ok || err != nil {
			t.Errorf("got %q %v %v, want %s", name, ok, err, want)
		}
	}
	for _, wrong := range []string{"", "vdg_", text[:len(text)-1], text + "A", strings.ToUpper(text), strings.Repeat("x", len(text)), strings.Repeat("x", 1<<20)} {
		if name, ok, err := s.VerifyToken(t.Context(), wrong); name != "" || ok || err != nil {
			t.Errorf("a wrong token of %d bytes: got %q %v %v", len(wrong), name, ok, err)
		}
	}
	list := must[[]Token](t)(s.Tokens(t.Context()))
	if len(list) != 2 || list[0].Name != "ada@laptop" || time.Since(list[1].LastUsed) > time.Minute {
		t.Errorf("got %+v", list)
	}
	check(t, s.RemoveToken(t.Context(), "ci"))
	if _, ok, _ := s.VerifyToken(t.Context(), text); ok {
		t.Error("a removed token still opens")
	}
	if err := s.RemoveToken(t.Context(), "ci"); !errors.As(err, new(*deploy.InputError)) {
		t.Errorf("removed twice: %v", err)
	}
}

func TestTokenNamesAreCheckedAndUnique(t *testing.T) {
	s := open(t)
	must[string](t)(s.CreateToken(t.Context(), "ci"))
	if _, err := s.CreateToken(t.Context(), "ci"); !errors.As(err, new(*deploy.ConflictError)) {
		t.Errorf("the same name again: %v", err)
	}
	for _, name := range []string{"", " ", "a b", "-x", "a\nb", strings.Repeat("a", 65)} {
		if _, err := s.CreateToken(t.Context(), name); !errors.As(err, new(*deploy.InputError)) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestTheTextOfATokenIsNotInTheFile(t *testing.T) {
	s := open(t)
	text := must[string](t)(s.CreateToken(t.Context(), "ci"))
	check(t, s.Close())
	for _, name := range []string{s.path, s.path + "-wal"} {
		content, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte(text[len(tokenPrefix):])) {
			t.Errorf("the token can be read in %s", name)
		}
	}
}
