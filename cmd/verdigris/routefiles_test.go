package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"verdigris/deploy"
)

func TestTheFilesOfTheSlicesFollowTheRoute(t *testing.T) {
	dir := t.TempDir()
	var log strings.Builder
	f := &routeFiles{dir: dir, defaultApp: "shop", several: true, log: slog.New(slog.NewTextHandler(&log, nil))}
	f.onRoute("shop", deploy.Blue, "")
	f.onRoute("blog", deploy.Blue, deploy.Green)
	f.onRoute("shop", deploy.Green, deploy.Blue)
	for name, want := range map[string]string{
		".current-env": "green\n", ".previous-env": "blue\n", ".current-env.shop": "green\n", ".previous-env.shop": "blue\n",
		".current-env.blog": "blue\n", ".previous-env.blog": "green\n",
	} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 6 {
		t.Errorf("the folder has %v, %v", entries, err)
	}

	f.onRoute("shop", deploy.Green, "")
	if _, err := os.Stat(filepath.Join(dir, ".previous-env")); !os.IsNotExist(err) {
		t.Errorf("without a previous slice its file stays: %v", err)
	}
	f.dir = filepath.Join(dir, ".current-env", "no folder")
	f.onRoute("shop", deploy.Blue, "")
	if !strings.Contains(log.String(), "could not write the file of the slice") {
		t.Errorf("the log says %q", log.String())
	}
}
