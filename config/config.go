package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"verdigris/deploy"
)

// Config is everything that verdigris.yml says.
type Config struct {
	// StateDir holds everything that verdigris writes: the journal, mirrors, checkouts, nginx configuration and sockets.
	StateDir Path `yaml:"state_dir"`
	// DefaultApp serves the short routes; the first app when it is not set.
	DefaultApp string `yaml:"default_app"`
	// NetworkPool is what the subnets of the networks between routers and slices are cut from; the engine's choice when it
	// is empty.
	NetworkPool Range           `yaml:"network_pool"`
	Server      Server          `yaml:"server"`
	Apps        map[string]*App `yaml:"apps"`

	// Dir is the folder of verdigris.yml and File its path, both absolute.
	Dir  string `yaml:"-"`
	File string `yaml:"-"`

	lines lines
}

// Server says where verdigris itself answers.
type Server struct {
	// Listen is the host:port of the API and the webhooks.
	Listen string `yaml:"listen"`
	// Socket is a unix socket for the same API; who may open it needs no token.
	Socket Path `yaml:"socket"`
	// PublicRead lets requests that change nothing pass without a token.
	PublicRead bool `yaml:"public_read"`
	// MaxBody bounds the body of a request.
	MaxBody Size `yaml:"max_body"`
}

// Names returns the names of the apps in alphabetical order.
func (c *Config) Names() []string { return slices.Sorted(maps.Keys(c.Apps)) }

// App returns the app with that name, or the default app for an empty name. The error wraps
// deploy.ErrUnknownApp and lists the names there are.
func (c *Config) App(name string) (*App, error) {
	if name == "" {
		name = c.DefaultApp
	}
	if app, ok := c.Apps[name]; ok {
		return app, nil
	}
	return nil, fmt.Errorf("app %q: %w; the apps are %s%s", name, deploy.ErrUnknownApp,
		strings.Join(c.Names(), ", "), meant(name, c.Names()))
}
