package main

import (
	"context"
	"errors"
	"log/slog"

	"verdigris/compose"
	"verdigris/config"
	"verdigris/deploy"
	"verdigris/nginx"
	"verdigris/redisync"
	"verdigris/source"
)

// parts are the adapters of one app, joined as its configuration says.
type parts struct {
	app     *config.App
	source  *source.Repository
	runtime *compose.Runtime
	router  deploy.Router
	nginx   *nginx.Router  // the router itself where it is ours; nil for kind file
	data    *redisync.Data // nil for an app without data
}

// assemble joins the parts of one app. Nothing is contacted or written.
func assemble(cfg *config.Config, app *config.App, engine *compose.Engine, log *slog.Logger) (*parts, error) {
	p := &parts{app: app, runtime: newRuntime(engine, cfg, app)}
	var err error
	if p.source, err = newSource(cfg, app); err != nil {
		return nil, inApp(app, err)
	}
	if err := p.addRouter(cfg, log); err != nil {
		return nil, inApp(app, err)
	}
	if p.data, err = newData(cfg, app, p.runtime, log); err != nil {
		return nil, inApp(app, err)
	}
	return p, nil
}

// adapters are what the controller needs of the parts.
func (p *parts) adapters() deploy.Adapters {
	a := deploy.Adapters{Source: p.source, Runtime: p.runtime, Router: p.router}
	if p.data != nil { // a nil *Data is no nil deploy.Data
		a.Data = p.data
	}
	return a
}

// chosen returns the app of --app, or all apps without it.
func (c *cli) chosen(cfg *config.Config) ([]*config.App, error) {
	if c.app != "" {
		app, err := cfg.App(c.app)
		return []*config.App{app}, err
	}
	var apps []*config.App
	for _, name := range cfg.Names() {
		apps = append(apps, cfg.Apps[name])
	}
	return apps, nil
}

// withEngine runs do with a connection to the Docker Engine.
func withEngine(ctx context.Context, do func(*compose.Engine) error) error {
	engine, err := compose.Connect(ctx)
	if err != nil {
		return err
	}
	return errors.Join(do(engine), engine.Close())
}
