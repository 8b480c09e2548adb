package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"verdigris/compose"
	"verdigris/config"
	"verdigris/deploy"
	"verdigris/server"
	"verdigris/store"
)

// newServer joins the API with the controller, the webhooks, the tokens and the checks of readiness. The controller
// tells it, and the files for scripts, what happens.
func newServer(cfg *config.Config, controller *deploy.Controller, journal *store.Store, engine *compose.Engine, log *slog.Logger) (*server.Server, error) {
	hooks, err := newHooks(cfg)
	if err != nil {
		return nil, err
	}
	s := server.New(controller)
	s.DefaultApp = cfg.DefaultApp
	s.Hooks = hooks
	s.Verify = journal.VerifyToken
	s.PublicRead = cfg.Server.PublicRead
	s.MaxDelivery = int64(cfg.Server.MaxBody)
	s.Ready = []server.Check{{Name: "journal", Run: journal.Check}, {Name: "docker", Run: engine.Ping}}
	for _, app := range controller.Apps() {
		s.Ready = append(s.Ready, server.Check{Name: "router of " + app, Run: func(context.Context) error { return routed(controller, app) }})
	}
	for _, app := range controller.Apps() {
		s.Ready = append(s.Ready, server.Check{Name: "data of " + app, Run: func(ctx context.Context) error {
			m, err := controller.Mirroring(ctx, app)
			return mirrored(m, err, time.Now())
		}})
	}
	s.Logger = log.With("component", "server")
	s.Metrics.Version(versionString())

	files := newRouteFiles(cfg, log)
	controller.OnRoute = func(app string, live, previous deploy.Slice) {
		files.onRoute(app, live, previous)
		s.Metrics.Routed(app, live, previous)
	}
	controller.OnEnd = s.Metrics.Ended
	return s, nil
}

// routed is nil while it is certain which slice of the app answers.
func routed(controller *deploy.Controller, app string) error {
	routing, err := controller.Routing(app)
	if err == nil && !routing.Confirmed {
		err = errors.New(routing.Reason)
	}
	return err
}

// brokenFor is how long a mirror may be broken before that is told: it mends itself in a moment when a redis was restarted.
const brokenFor = 10 * time.Second

// mirrored is nil while the app's data is mirrored as it is to be.
func mirrored(m deploy.Mirroring, err error, now time.Time) error {
	if errors.As(err, new(*deploy.ConflictError)) {
		return nil // it has no data
	}
	if err == nil && m.On && m.Mirror.State == deploy.MirrorBroken && now.Sub(m.Mirror.Since) > brokenFor {
		err = errors.New(m.Mirror.Reason)
	}
	return err
}

// newController gives the controller all apps.
func newController(apps []*parts, journal *store.Store, log *slog.Logger) (*deploy.Controller, error) {
	controller := deploy.NewController(journal)
	controller.Logger = log.With("component", "deploy")
	for _, p := range apps {
		if p.data != nil {
			p.data.Ledgers = append(p.data.Ledgers, rightsJournal{journal, p.app.Name})
		}
		if err := controller.Add(p.app.Domain(), p.adapters()); err != nil {
			return nil, err
		}
	}
	return controller, nil
}
