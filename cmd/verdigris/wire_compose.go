package main

import (
	"fmt"

	"verdigris/compose"
	"verdigris/config"
	"verdigris/deploy"
)

func newRuntime(engine *compose.Engine, app *config.App) *compose.Runtime {
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
	}
	if app.Router.Kind == config.RouterFile {
		s.Router = app.Router.Container
	}
	for _, slice := range app.Slices() {
		s.SliceFiles[slice] = app.Compose.Slices.Of(slice)
		s.Ports[slice] = app.Web.PortOf(slice)
	}
	runtime := compose.New(engine, s)
	runtime.HealthTimeout = app.Timeouts.Start.Std()
	return runtime
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
