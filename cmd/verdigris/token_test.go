package main

import (
	"strings"
	"testing"

	"verdigris/config"
	"verdigris/store"
)

func TestATokenIsMadeListedAndRevoked(t *testing.T) {
	w := newFolder(t, "apps: {shop: {repository: {url: .}, web: {port: 80}}}\n")
	made := w.run(t, "token", "create", "laptop")
	made.want(t, exitOK)
	text := strings.TrimSpace(made.out)

	cfg, err := config.Load(w.dir + "/verdigris.yml")
	if err != nil {
		t.Fatal(err)
	}
	journal, err := store.Open(t.Context(), cfg.Journal())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { journal.Close() })
	if name, ok, err := journal.VerifyToken(t.Context(), text); !ok || name != "laptop" || err != nil {
		t.Errorf("the token %q is not good: %q, %v", text, name, err)
	}

	w.run(t, "token", "create", "laptop").want(t, exitConflict, "there is a token named laptop")
	list := w.run(t, "token", "list")
	list.want(t, exitOK, "laptop")
	if strings.Contains(list.out, text) {
		t.Error("the list shows the token itself")
	}
	w.run(t, "token", "revoke", "laptop").want(t, exitOK, "laptop is revoked")
	w.run(t, "token", "revoke", "laptop").want(t, exitInput, "there is no token named")
	if _, ok, err := journal.VerifyToken(t.Context(), text); ok || err != nil {
		t.Errorf("the revoked token is still good: %v", err)
	}
}
