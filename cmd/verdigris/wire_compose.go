package main

import (
	"fmt"
	"path/filepath"
	"slices"

	"verdigris/compose"
	"verdigris/config"
	"verdigris/deploy"
)

func newRuntime(engine *compose.Engine, cfg *config.Config, app *config.App) *compose.Runtime {
	s := compose.Settings{
		App: app.Name, Dir: app.Dir,
		SharedFiles: texts(app.Compose.Shared),
		SliceFiles:  map[deploy.Slice][]string{},
		EnvFiles:    texts(app.Compose.EnvFiles),
		Profiles:    app.Compose.Profiles,
		CABundle:    string(app.Build.CABundle),
		Web:         app.Web.Service,
		Ports:       map[deploy.Slice]int{},
		Address:     compose.AddressMode(app.Web.Address),
		Router:      app.Router.Service,
		Needs:       sharedServices(app),
		Pool:        cfg.NetworkPool.Prefix(),
	}
	if app.Router.Kind == config.RouterFile {
		s.Router, s.RouterElsewhere = app.Router.Container, inContainerOfOthers(app.Router)
	}
	for _, slice := range app.Slices() {
		s.SliceFiles[slice] = app.Compose.Slices.Of(slice)
		s.Ports[slice] = app.Web.PortOf(slice)
	}
	runtime := compose.New(engine, s)
	runtime.HealthTimeout = app.Timeouts.Start.Std()
	return runtime
}

// inContainerOfOthers reports whether the router is an nginx in a container that is no service of the shared files: it is
// reloaded through Docker, which the commands tell.
func inContainerOfOthers(r config.Router) bool {
	return r.Kind == config.RouterFile && r.Container == "" && slices.ContainsFunc(r.Reload, func(word string) bool {
		name := filepath.Base(word)
		return name == "docker" || name == "docker-compose" || name == "podman"
	})
}

// sharedServices are those that the configuration names.
func sharedServices(app *config.App) []string {
	var names []string
	if app.Router.Kind == config.RouterNginx {
		names = append(names, app.Router.Service, app.Router.Edge.Service)
	}
	if app.Data != nil {
		for _, redis := range []config.Redis{app.Data.Blue, app.Data.Green} {
			if redis.URL == "" {
				names = append(names, redis.Service)
			}
		}
	}
	return names
}

func texts(paths []config.Path) []string {
	list := make([]string, len(paths))
	for i, path := range paths {
		list[i] = string(path)
	}
	return list
}

// inApp says which app an error is about.
func inApp(app *config.App, err error) error { return fmt.Errorf("app %s: %w", app.Name, err) }
