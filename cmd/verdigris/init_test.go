package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"verdigris/config"
)

func TestInitWritesAConfigurationThatIsGood(t *testing.T) {
	w := newFolder(t, "")
	if err := os.Remove(filepath.Join(w.dir, "verdigris.yml")); err != nil {
		t.Fatal(err)
	}
	w.write(t, "docker-compose.yml", "services:\n  web: {build: ., ports: ['8080:3000']}\n  redis: {image: 'redis:7'}\n")
	w.write(t, ".env", "TAG=7\n")
	w.run(t, "init", "--app", "shop").want(t, exitOK, "wrote verdigris.yml", "wrote docker-compose.shared.yml", "the service web answers requests on port 3000")
	w.run(t, "config", "check").want(t, exitOK, "is good: shop")

	info, err := os.Stat(filepath.Join(w.dir, secretFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the secret's file: %v, %v", info, err)
	}
	cfg, err := config.Load(filepath.Join(w.dir, "verdigris.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if files := cfg.Apps["shop"].Compose.EnvFiles; len(files) != 1 || filepath.Base(string(files[0])) != ".env" {
		t.Errorf("the compose files get their variables from %v", files)
	}
	if secret, err := cfg.Apps["shop"].Webhook.GitHub.Secrets[0].Reveal(); err != nil || len(secret) < 20 {
		t.Errorf("the secret has %d letters, %v", len(secret), err)
	}
}

func TestWhatInitKeepsToItselfIsNotCommitted(t *testing.T) {
	w := newFolder(t, "")
	if err := os.Remove(filepath.Join(w.dir, "verdigris.yml")); err != nil {
		t.Fatal(err)
	}
	w.commitTo(t, "docker-compose.yml", "services:\n  web: {build: ., ports: ['8080:3000']}\n", "The app")
	w.run(t, "init").want(t, exitOK, "git add docker-compose.blue.yml docker-compose.green.yml")
	out, err := exec.Command("git", "-C", w.dir, "status", "--porcelain").CombinedOutput()
	if err != nil {
		t.Fatalf("git status: %v\n%s", err, out)
	}
	if text := string(out); strings.Contains(text, ".verdigris/") || !strings.Contains(text, "?? docker-compose.green.yml") {
		t.Errorf("git sees\n%s", text)
	}
}

func TestInitWritesOverNothing(t *testing.T) {
	w := newFolder(t, "mine")
	w.write(t, "compose.yaml", "services:\n  web: {build: ., ports: ['8080:3000']}\n")
	w.run(t, "init", "--app", "shop").want(t, exitConflict, "there already is verdigris.yml", "--force")
	if text, err := os.ReadFile(filepath.Join(w.dir, "verdigris.yml")); err != nil || string(text) != "mine" {
		t.Errorf("verdigris.yml: %q, %v", text, err)
	}
	if _, err := os.Stat(filepath.Join(w.dir, "docker-compose.blue.yml")); err == nil {
		t.Error("init wrote a part of the files")
	}
	w.run(t, "init", "--app", "shop", "--force").want(t, exitOK, "wrote verdigris.yml")
}

func TestInitSaysWhatItNeeds(t *testing.T) {
	w := newFolder(t, "")
	w.run(t, "init").want(t, exitInput, "there is no compose file in "+w.dir, "--compose")
}
