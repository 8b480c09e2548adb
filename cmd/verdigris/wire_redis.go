package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"

	"verdigris/compose"
	"verdigris/config"
	"verdigris/deploy"
	"verdigris/redisync"
)

// newData joins the redis of both slices; it is nil for an app without data.
func newData(cfg *config.Config, app *config.App, runtime *compose.Runtime, log *slog.Logger) (*redisync.Data, error) {
	if app.Data == nil {
		return nil, nil
	}
	settings := redisync.Settings{Keys: app.Data.Keys, LeftMayWrite: app.Data.LeftMayWrite, Sides: map[deploy.Slice]redisync.Side{}}
	for _, slice := range []deploy.Slice{deploy.Blue, deploy.Green} {
		side, err := newSide(app.Data.Of(slice), runtime)
		if err != nil {
			return nil, fmt.Errorf("redis of %s: %w", slice, err)
		}
		settings.Sides[slice] = side
	}
	data, err := redisync.New(settings)
	if err != nil {
		return nil, err
	}
	data.Fencing = app.Data.Fencing
	data.App, data.Holder = app.Name, holder(cfg)
	data.Ledgers = []redisync.Ledger{rightsFiles{cfg.AppState(app.Name).Dir}}
	data.Log = log.With("component", "redisync", "app", app.Name)
	return data, nil
}

// holder names this verdigris to others.
func holder(cfg *config.Config) string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return host + ":" + string(cfg.StateDir)
}

func newSide(r config.Redis, runtime *compose.Runtime) (side redisync.Side, err error) {
	if r.URL != "" {
		if side, err = redisync.ParseURL(r.URL); err != nil {
			return side, err
		}
	} else {
		container := runtime.SharedContainer(r.Service)
		side.Address = func(ctx context.Context) (string, error) { return container.Address(ctx, r.Port) }
	}
	if r.DB != 0 {
		side.DB = r.DB
	}
	if r.Username != "" {
		side.Username = r.Username
	}
	if r.Password != nil {
		if side.Password, err = r.Password.Reveal(); err != nil {
			return side, err
		}
	}
	if r.TLS != nil {
		side.TLS, err = newTLS(r.TLS)
	}
	return side, err
}

func newTLS(t *config.RedisTLS) (*tls.Config, error) {
	c := &tls.Config{ServerName: t.ServerName, MinVersion: tls.VersionTLS12}
	if t.CAFile != "" {
		pem, err := os.ReadFile(string(t.CAFile))
		if err != nil {
			return nil, fmt.Errorf("read the certificates to trust: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, &deploy.InputError{Reason: fmt.Sprintf("%s has no certificate in PEM", t.CAFile)}
		}
	}
	if t.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(string(t.Certificate), string(t.Key))
		if err != nil {
			return nil, fmt.Errorf("read the client certificate: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}
