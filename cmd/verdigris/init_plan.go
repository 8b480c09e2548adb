package main

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"verdigris/config"
)

// initPlan is what init is going to write.
type initPlan struct {
	dir, file, compose, app string
	split                   *config.Split
	remote                  bool // commits come from elsewhere, and must be pushed there
	files                   []initFile
}

type initFile struct {
	path string
	text string
	mode os.FileMode
	keep bool // what is there stays
}

// Files in the folder of verdigris.yml: the webhook's secret, what keeps it and all state out of the app's repository,
// and the variables that Compose itself would read.
const (
	secretFile = ".verdigris/github-secret"
	ignoreFile = ".verdigris/.gitignore"
	envFile    = ".env"
)

func (p *initPlan) make(ctx context.Context) error {
	if p.app == "" {
		p.app = appName(filepath.Base(p.dir))
	}
	text, err := readCompose(p.dir, p.compose)
	if err != nil {
		return err
	}
	if p.split, err = config.SplitCompose(p.app, text); err != nil {
		return err
	}
	git := pushOptions{dir: p.dir}
	facts := config.Facts{App: p.app, Repository: ".", Branch: "main", SecretFile: secretFile, Split: p.split}
	if url, err := git.git(ctx, "remote", "get-url", "origin"); err == nil {
		facts.Repository, p.remote = strings.TrimSpace(url), true
	}
	if _, err := os.Stat(filepath.Join(p.dir, envFile)); err == nil {
		facts.EnvFile = envFile
	}
	if branch, err := git.git(ctx, "symbolic-ref", "--short", "HEAD"); err == nil {
		facts.Branch = strings.TrimSpace(branch)
	}
	annotated, err := config.Annotate(facts)
	if err != nil {
		return err
	}
	p.files = []initFile{
		{path: p.file, text: annotated, mode: 0o644},
		{path: filepath.Join(p.dir, "docker-compose.shared.yml"), text: p.split.Shared, mode: 0o644},
		{path: filepath.Join(p.dir, "docker-compose.blue.yml"), text: p.split.Blue, mode: 0o644},
		{path: filepath.Join(p.dir, "docker-compose.green.yml"), text: p.split.Green, mode: 0o644},
		{path: filepath.Join(p.dir, secretFile), text: rand.Text() + "\n", mode: 0o600, keep: true},
		{path: filepath.Join(p.dir, ignoreFile), text: "*\n", mode: 0o644, keep: true},
	}
	return nil
}

// names lists the files relative to the folder.
func (p *initPlan) names() (list []string) {
	for _, f := range p.files {
		name, err := filepath.Rel(p.dir, f.path)
		if err != nil {
			name = f.path
		}
		list = append(list, name)
	}
	return list
}

var notInNames = regexp.MustCompile(`[^a-z0-9_-]+`)

// appName makes the name of an app out of that of a folder.
func appName(folder string) string {
	name := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(folder), "-"), "-_")
	if name == "" {
		return "app"
	}
	return name[:min(len(name), 40)]
}
