package config

import "path/filepath"

// Journal is the file of the journal.
func (c *Config) Journal() string { return string(c.StateDir.join("journal.db")) }

// AppState is the folder of everything that verdigris writes for one app.
func (c *Config) AppState(app string) AppState {
	return AppState{Dir: string(c.StateDir.join("apps", app))}
}

// AppState is the layout of one app's folder below the state folder.
type AppState struct{ Dir string }

// Mirror is the bare mirror of the app's repository.
func (s AppState) Mirror() string { return filepath.Join(s.Dir, "mirror.git") }

// Releases holds a checkout of each commit that was deployed.
func (s AppState) Releases() string { return filepath.Join(s.Dir, "releases") }

// Nginx holds the configuration of edge and router, which see it as /etc/verdigris.
func (s AppState) Nginx() string { return filepath.Join(s.Dir, "nginx") }

// Run holds the sockets between edge, router and gate, which nginx sees as /run/verdigris.
func (s AppState) Run() string { return filepath.Join(s.Dir, "run") }
