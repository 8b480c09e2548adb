package main

import (
	"log/slog"
	"strconv"

	"verdigris/config"
	"verdigris/nginx"
)

// addRouter joins the router of the kind that the configuration names.
func (p *parts) addRouter(cfg *config.Config, log *slog.Logger) error {
	if p.app.Router.Kind == config.RouterFile {
		return p.addFileRouter()
	}
	state := cfg.AppState(p.app.Name)
	router, err := nginx.New(nginx.Settings{
		App:     p.app.Name,
		ConfDir: state.Nginx(), RunDir: state.Run(),
		NginxConfDir: nginx.ContainerConfDir, NginxRunDir: nginx.ContainerRunDir,
		Edge: edge(p.app.Router.Edge),
	}, p.nginxIn(p.app.Router.Service), p.nginxIn(p.app.Router.Edge.Service))
	if err != nil {
		return err
	}
	router.HoldTimeout = p.app.Cutover.HoldTimeout.Std()
	router.MaxHeld = p.app.Cutover.MaxHeld
	router.Log = log.With("component", "nginx")
	p.nginx, p.router = router, router
	return nil
}

func (p *parts) nginxIn(service string) nginx.ContainerProcess {
	return nginx.ContainerProcess{Container: p.runtime.SharedContainer(service)}
}

func edge(e config.Edge) nginx.Edge {
	out := nginx.Edge{URL: e.URL}
	for _, port := range e.Listen {
		out.Listen = append(out.Listen, nginx.Listen{Address: strconv.Itoa(port)})
	}
	if e.TLS != nil {
		out.Certificate, out.Key = e.TLS.Certificate, e.TLS.Key
		for _, port := range e.TLS.Listen {
			out.Listen = append(out.Listen, nginx.Listen{Address: strconv.Itoa(port), TLS: true})
		}
	}
	return out
}

func (p *parts) addFileRouter() error {
	r := p.app.Router
	router := &nginx.FileRouter{
		File: string(r.File), Format: nginx.Format(r.Format), Upstream: r.Upstream, URL: r.URL,
		Test: r.Test, Reload: r.Reload,
	}
	if r.Container != "" {
		router.Container = p.runtime.SharedContainer(r.Container)
	}
	p.router = router
	return router.Check()
}
