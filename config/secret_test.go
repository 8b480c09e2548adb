package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const withSecrets = small + `
    webhook: {github: {secrets: [{env: VERDIGRIS_TEST_SECRET}, {file: secret}]}}
`

func TestSecretsComeFromTheEnvironmentAndFromFiles(t *testing.T) {
	t.Setenv("VERDIGRIS_TEST_SECRET", "one")
	dir := write(t, map[string]string{FileName: withSecrets, "secret": "two\n"})
	c, err := Load(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"one", "two"} {
		got, err := c.Apps["shop"].Webhook.GitHub.Secrets[i].Reveal()
		if err != nil || got != want {
			t.Errorf("secret %d: got %q, %v", i, got, err)
		}
	}
}

func TestASecretNeverPrints(t *testing.T) {
	s := Secret{Env: "NAME_OF_IT"}
	inJSON, err := json.Marshal(map[string]any{"s": s, "p": &s})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "s", s)
	for _, text := range []string{fmt.Sprint(s), fmt.Sprintf("%+v %#v %s", s, s, &s), string(inJSON), log.String()} {
		if strings.Contains(text, "NAME_OF_IT") || !strings.Contains(text, "***") {
			t.Errorf("got %s", text)
		}
	}
}

func TestPreflightNamesWhatThisMachineLacks(t *testing.T) {
	dir := write(t, map[string]string{FileName: withSecrets, "secret": "two\n"})
	if err := os.Chmod(filepath.Join(dir, "secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := Load(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	warnings, err := c.Preflight()
	for _, want := range []string{
		"apps.shop.webhook.github.secrets[0] has no secret: the environment variable VERDIGRIS_TEST_SECRET is not set",
		"apps.shop.compose.shared[0] names " + filepath.Join(dir, "docker-compose.shared.yml") + ", which is not there",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q in: %v", want, err)
		}
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "chmod 600") {
		t.Errorf("warnings: %q", warnings)
	}
}

func TestPreflightIsContentWhenAllIsThere(t *testing.T) {
	t.Setenv("VERDIGRIS_TEST_SECRET", "one")
	dir := write(t, map[string]string{FileName: withSecrets, "secret": "two", "docker-compose.shared.yml": "services: {}"})
	c, err := Load(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	if warnings, err := c.Preflight(); err != nil || len(warnings) > 0 {
		t.Errorf("got %q, %v", warnings, err)
	}
}
