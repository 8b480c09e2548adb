package config

import "path/filepath"

// Journal is the file of the journal.
func (c *Config) Journal() string { return string(c.StateDir.join("journal.db")) }

// AppState is the folder of everything that verdigris writes for one app.
func (c *Config) AppState(app string) AppState {
	return AppState{Dir: string(c.StateDir.join("apps", app))}
}

// AppState is the layout of one app's folder below the state folder. What lies in it of git is source's business.
type AppState struct{ Dir string }

// Nginx holds the configuration of edge and router, which see it as /etc/verdigris.
func (s AppState) Nginx() string { return filepath.Join(s.Dir, "nginx") }

// Run holds the sockets between edge, router and gate, which nginx sees as /run/verdigris.
func (s AppState) Run() string { return filepath.Join(s.Dir, "run") }
