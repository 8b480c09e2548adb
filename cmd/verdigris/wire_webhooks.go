package main

import (
	"net/http"

	"verdigris/config"
	"verdigris/server"
	"verdigris/webhooks"
)

// newHooks returns the receivers of all apps' webhooks, by forge and app.
func newHooks(cfg *config.Config) (map[string]map[string]server.Hook, error) {
	github := map[string]server.Hook{}
	for _, name := range cfg.Names() {
		app := cfg.Apps[name]
		if app.Webhook.GitHub == nil {
			continue
		}
		hook, err := newGitHub(app.Webhook.GitHub)
		if err != nil {
			return nil, inApp(app, err)
		}
		github[name] = hook
	}
	return map[string]map[string]server.Hook{"github": github}, nil
}

func newGitHub(g *config.GitHub) (server.Hook, error) {
	var secrets []string
	for _, secret := range g.Secrets {
		text, err := secret.Reveal()
		if err != nil {
			return nil, err
		}
		secrets = append(secrets, text)
	}
	receiver, err := webhooks.NewGitHub(secrets...)
	if err != nil {
		return nil, err
	}
	filter := webhooks.Filter{Branches: g.Branches, Tags: g.Tags, Paths: g.Paths, IgnorePaths: g.IgnorePaths}
	return newHook(receiver, filter), filter.Validate()
}

// newHook puts the filter behind the receiver.
func newHook(receiver webhooks.Receiver, filter webhooks.Filter) server.Hook {
	return func(header http.Header, body []byte) (server.HookResult, error) {
		delivery, err := receiver.Receive(header, body)
		if err != nil {
			return server.HookResult{}, err
		}
		switch delivery.Kind {
		case webhooks.KindPing:
			return server.HookResult{Ping: true}, nil
		case webhooks.KindIgnored:
			return server.HookResult{Ignored: delivery.Reason}, nil
		}
		if deploys, reason := filter.Decide(delivery.Push); !deploys {
			return server.HookResult{Ignored: reason}, nil
		}
		return server.HookResult{Push: delivery.Push}, nil
	}
}
