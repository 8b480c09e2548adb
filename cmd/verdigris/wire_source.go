package main

import (
	"verdigris/config"
	"verdigris/source"
)

func newSource(cfg *config.Config, app *config.App) (*source.Repository, error) {
	r := app.Repository
	remote := source.Remote{
		URL: r.URL, Branch: r.Branch, Username: r.Username, CAFile: string(r.CAFile),
		KeyFile: string(r.SSHKeyFile), KnownHostsFile: string(r.KnownHostsFile),
	}
	if r.Token != nil {
		remote.Token = r.Token.Reveal
	}
	repository, err := source.New(cfg.AppState(app.Name).Dir, remote)
	if err != nil {
		return nil, err
	}
	repository.FetchTimeout = app.Timeouts.Fetch.Std()
	return repository, nil
}
