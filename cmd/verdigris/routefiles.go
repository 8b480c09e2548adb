package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"verdigris/config"
	"verdigris/deploy"
)

// routeFiles keeps the files .current-env and .previous-env beside verdigris.yml, one line each with the name of a
// slice, for people's scripts. The plain names are for the default app; every app has .current-env.<app> besides
// where there are several.
type routeFiles struct {
	dir        string
	defaultApp string
	several    bool
	log        *slog.Logger

	mu sync.Mutex // one writer at a time, so that the last route is what stays
}

func newRouteFiles(cfg *config.Config, log *slog.Logger) *routeFiles {
	return &routeFiles{dir: cfg.Dir, defaultApp: cfg.DefaultApp, several: len(cfg.Apps) > 1, log: log}
}

// onRoute is for deploy.Controller.OnRoute. The files follow the router; that one cannot be written is no reason
// to stop a cutover, so it is logged.
func (f *routeFiles) onRoute(app string, live, previous deploy.Slice) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var suffixes []string
	if app == f.defaultApp {
		suffixes = append(suffixes, "")
	}
	if f.several {
		suffixes = append(suffixes, "."+app)
	}
	for _, suffix := range suffixes {
		for name, slice := range map[string]deploy.Slice{".current-env": live, ".previous-env": previous} {
			if err := f.write(name+suffix, slice); err != nil {
				f.log.Warn("could not write the file of the slice", "file", name+suffix, "error", err)
			}
		}
	}
}

func (f *routeFiles) write(name string, slice deploy.Slice) error {
	path := filepath.Join(f.dir, name)
	if slice != "" {
		return writeFile(path, []byte(string(slice)+"\n"), 0o644)
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}
