package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"verdigris/deploy"
	"verdigris/test/load"
)

// check refuses flags that do not fit together.
func (o *benchOptions) check() error {
	wrong := func(reason string) error { return &deploy.InputError{Reason: reason} }
	switch {
	case o.clients < 0 || o.uploads < 0 || o.sockets < 0 || o.clients+o.uploads+o.sockets == 0:
		return wrong("--clients, --uploads and --websockets say how many there are; at least one is needed")
	case o.uploads > 0 && o.post == "":
		return wrong("--uploads needs --post, the path that takes them")
	case o.sockets > 0 && o.socket == "":
		return wrong("--websockets needs --websocket-path")
	case o.rounds < 1 && o.time <= 0:
		return wrong("--rounds is at least 1, or --time says how long")
	case o.every < 0 || o.pause < 0 || o.time < 0:
		return wrong("--every, --pause and --time are lengths of time like 10ms")
	}
	return nil
}

// benchSite returns the URL to load: the app's own, or the one that was given, if it may be loaded.
func (c *cli) benchSite(o *benchOptions) (*url.URL, error) {
	own, err := c.ownSite()
	if o.url == "" && err != nil {
		return nil, err
	}
	if o.url == "" {
		return own, nil
	}
	site, err := url.Parse(o.url)
	if err != nil || site.Host == "" || site.Scheme != "http" && site.Scheme != "https" {
		return nil, &deploy.InputError{Reason: fmt.Sprintf("--url takes a URL like http://127.0.0.1:8080, not %q", o.url)}
	}
	if !o.anySite && !onThisMachine(site) && (own == nil || site.Host != own.Host) {
		return nil, &deploy.HintedError{
			Err:  &deploy.InputError{Reason: fmt.Sprintf("%s is neither on this machine nor the app's own site", site.Host)},
			Next: "if you may load it, say so with --yes-load-this-site",
		}
	}
	return site, nil
}

// ownSite returns where the configuration says that the app's site answers.
func (c *cli) ownSite() (*url.URL, error) {
	cfg, err := c.load()
	if err != nil {
		return nil, err
	}
	app, err := cfg.App(c.app)
	if err != nil {
		return nil, err
	}
	for _, text := range []string{app.Router.Edge.URL, app.Router.URL} {
		if site, err := url.Parse(text); err == nil && site.Host != "" {
			return site, nil
		}
	}
	return nil, &deploy.InputError{Reason: "the configuration does not say where the site answers: give it with --url"}
}

func onThisMachine(site *url.URL) bool {
	ip := net.ParseIP(site.Hostname())
	return site.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// siteTLS is for https. On this machine the certificate names the site, not the machine, and requests do not leave it.
func siteTLS(site *url.URL) *tls.Config {
	return &tls.Config{InsecureSkipVerify: onThisMachine(site)}
}

// answers asks the site once, so that a wrong URL is told before anything is ordered.
func answers(ctx context.Context, site *url.URL, path string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequest(http.MethodGet, at(site, path), nil)
	if err != nil {
		return &deploy.InputError{Reason: fmt.Sprintf("--path: %v", err)}
	}
	client := &load.Client{TLS: siteTLS(site)}
	defer client.Close()
	status, _, _, err := client.Do(ctx, request)
	if err == nil && status >= http.StatusBadRequest {
		err = fmt.Errorf("status %d", status)
	}
	if err != nil {
		return &deploy.HintedError{Err: fmt.Errorf("ask %s: %w", request.URL, err), Next: "look with `verdigris status`; nothing was ordered"}
	}
	return nil
}

// ready refuses what a first switch would refuse, before the load begins.
func ready(ctx context.Context, api *client) error {
	status, err := api.status(ctx)
	if err != nil {
		return err
	}
	if status.Live == "" {
		return &deploy.ConflictError{Reason: "nothing is live yet", Next: "deploy both slices first"}
	}
	for _, slice := range status.Slices {
		if slice.Slice == status.Live.Other() && !slice.Running() {
			return &deploy.ConflictError{Reason: fmt.Sprintf("%s is not running, so there is nothing to switch to", slice.Slice),
				Next: fmt.Sprintf("start it with `verdigris deploy %s`", slice.Slice)}
		}
	}
	return nil
}
