package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"verdigris/compose"
	"verdigris/config"
	"verdigris/deploy"
)

// app looks at one app's repository, router, edge and data.
func (d *doctor) app(ctx context.Context, cfg *config.Config, app *config.App, engine *compose.Engine) {
	if engine == nil {
		// Without an engine the parts that need none can still be looked at.
		within(ctx, askWithin, func(ctx context.Context) { d.repository(ctx, cfg, app) })
		return
	}
	p, err := assemble(cfg, app, engine, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		d.bad(app.Name, err, "")
		return
	}
	within(ctx, askWithin, func(ctx context.Context) { d.repository(ctx, cfg, app) })
	var running bool
	within(ctx, lookWithin, func(ctx context.Context) { running = d.router(ctx, p) })
	within(ctx, lookWithin, func(ctx context.Context) { d.site(ctx, p, running) })
	within(ctx, lookWithin, func(ctx context.Context) { d.ways(ctx, p) })
	within(ctx, lookWithin, func(ctx context.Context) { d.data(ctx, p) })
}

func (d *doctor) repository(ctx context.Context, cfg *config.Config, app *config.App) {
	repository, err := newSource(cfg, app)
	if err != nil {
		d.bad("repository of "+app.Name, err, "correct apps."+app.Name+".repository")
		return
	}
	version, err := repository.Version(ctx)
	d.check("git", version, err, "install git 2.32 or newer")
	if err != nil {
		return
	}
	head, err := repository.Resolve(ctx, app.Repository.Branch)
	d.check("repository of "+app.Name, fmt.Sprintf("%s is at %s", app.Repository.Branch, head.Short()), err,
		"check repository.url, repository.branch and the credentials")
}

// router looks at the nginx of the router, and tells whether it runs.
func (d *doctor) router(ctx context.Context, p *parts) (running bool) {
	what := "router of " + p.app.Name
	if p.nginx == nil {
		route, err := p.router.Current(ctx)
		d.check(what, live(route), err, "check router.file")
		return err == nil
	}
	container := p.runtime.SharedContainer(p.app.Router.Service)
	version, err := container.Exec(ctx, "nginx", "-v")
	if err != nil {
		d.bad(what, err, "start it with: verdigris up")
		return false
	}
	route, err := p.router.Current(ctx)
	if err != nil {
		d.bad(what, err, "verdigris up writes the configuration again")
		return true
	}
	d.good(what, strings.TrimPrefix(version, "nginx version: ")+", "+live(route))
	if route.Slice != "" {
		d.answer(ctx, p, route)
	}
	return true
}

// answer looks whether the router itself says what its files say.
func (d *doctor) answer(ctx context.Context, p *parts, route deploy.Route) {
	answer, err := p.router.Ask(ctx)
	switch {
	case err != nil:
	case answer.Slice != route.Slice:
		err = fmt.Errorf("it sends requests to %s, and its files say %s", answer.Slice, route.Slice)
	case !answer.Loaded:
		err = fmt.Errorf("it has configuration %d in use, which is not the one in its files", answer.Generation)
	}
	d.check("route of "+p.app.Name, fmt.Sprintf("the router itself answers %s", answer.Slice), err,
		"verdigris serve repairs this; verdigris status says what it finds")
}

func live(route deploy.Route) string {
	if route.Slice == "" {
		return "nothing is live yet"
	}
	return fmt.Sprintf("%s is live with %s", route.Slice, route.Commit.Short())
}

// site asks for the health path the way users come in.
func (d *doctor) site(ctx context.Context, p *parts, running bool) {
	what := "site of " + p.app.Name
	url := p.app.Router.Edge.URL
	if p.nginx == nil {
		url = p.app.Router.URL
	}
	route, err := p.router.Current(ctx)
	if err == nil && running && route.Slice == "" {
		d.good(what, "not live yet; it will be at "+url)
		return
	}
	if !running {
		err := portFree(hostPort(url))
		d.check(what, "the port of "+url+" is free", err, "stop what listens there, or publish the edge elsewhere")
		return
	}
	reply, err := p.router.Get(ctx, p.app.Health.Path)
	if err == nil && reply.Status != p.app.Health.Status {
		err = fmt.Errorf("%s answers %s with status %d", reply.Slice, p.app.Health.Path, reply.Status)
	}
	how := "as the router says; the app does not say which release it is"
	if err == nil {
		var known deploy.Witness
		if known, err = deploy.WhoAnswered(ctx, p.router, p.app.Domain().Health, reply, route.Commit); known == deploy.AppSays {
			how = "as the app itself says"
		}
	}
	d.check(what, fmt.Sprintf("%s answers at %s, %s", reply.Slice, url, how), err, "verdigris status and verdigris logs say more")
}

// ways asks each production slice that runs from where the router is. Any answer will do: a slice may be unwell and reached
// all the same.
func (d *doctor) ways(ctx context.Context, p *parts) {
	for _, slice := range []deploy.Slice{deploy.Blue, deploy.Green} {
		observed, err := p.runtime.Observe(ctx, slice)
		if err != nil {
			d.bad(fmt.Sprintf("way to %s of %s", slice, p.app.Name), err, "")
			return
		}
		if ways, err := p.runtime.Ways(ctx, slice); err == nil && len(ways) > 0 && !observed.Running() {
			d.bad(fmt.Sprintf("way to %s of %s", slice, p.app.Name), deploy.Unroutable(ctx, p.runtime, slice), "")
		}
		for _, e := range observed.Endpoints {
			err := reached(ctx, p.router, e, p.app.Health)
			d.check("way to "+e.Container, "the router reaches it at "+e.Address, deploy.ExplainReach(ctx, p.runtime, slice, err),
				"verdigris up connects the router with the slices")
		}
	}
}

func reached(ctx context.Context, router deploy.Router, e deploy.Endpoint, health config.Health) error {
	ctx, cancel := context.WithTimeout(ctx, health.Timeout.Std())
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+e.Address+health.Path, nil)
	if err != nil {
		return err
	}
	response, err := router.RoundTrip(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// data looks whether a copy could succeed: both sides answer, and the target has room.
func (d *doctor) data(ctx context.Context, p *parts) {
	if p.data == nil {
		return
	}
	from := deploy.Blue
	if route, err := p.router.Current(ctx); err == nil && route.Slice == deploy.Green {
		from = deploy.Green
	}
	what := "redis of " + p.app.Name
	d.check(what, fmt.Sprintf("a copy from %s to %s can begin", from, from.Other()), p.data.Look(ctx, from, from.Other()), "start it with: verdigris up")
}
