package config

import (
	"cmp"
	"fmt"
	"time"

	"verdigris/deploy"
)

// defaulter is a struct whose fields have values before the file is read. What depends on other fields is
// filled in afterwards by settle.
type defaulter interface{ setDefaults() }

func (c *Config) setDefaults() {
	c.StateDir = ".verdigris"
	c.Server = Server{Listen: "127.0.0.1:9000", MaxBody: 25 << 20}
}

func (a *App) setDefaults() {
	a.Repository.Branch = "main"
	a.Compose.Shared = []Path{"docker-compose.shared.yml"}
	a.Compose.Slices.Blue = []string{"docker-compose.blue.yml"}
	a.Compose.Slices.Green = []string{"docker-compose.green.yml"}
	a.Web = Web{Service: "web", Address: AddressContainer}
	a.Router = Router{Kind: RouterNginx}
	a.Promote = deploy.PromoteAuto
	a.Health = Health{Path: "/health", Status: 200, Timeout: seconds(2), Interval: Duration(200 * time.Millisecond),
		Successes: 2, Deadline: seconds(60)}
	a.Cutover = Cutover{HoldTimeout: seconds(5), DrainTimeout: seconds(2), LingerTimeout: seconds(30), MaxHeld: 1000}
	a.Watch = Watch{Duration: seconds(10), Interval: Duration(500 * time.Millisecond), Failures: 3}
	a.KeepReleases = 5
	a.Timeouts = Timeouts{Fetch: minutes(2), Build: minutes(30), Migrate: minutes(10), Start: minutes(5), Copy: minutes(10)}
}

func (d *Data) setDefaults() { d.Mirroring, d.Fencing = true, true }

func (t *TLS) setDefaults() { t.Listen = []int{8443} }

func (c *Check) setDefaults() { c.Method, c.Path, c.Status = "GET", "/", 200 }

func seconds(n int) Duration { return Duration(time.Duration(n) * time.Second) }
func minutes(n int) Duration { return seconds(60 * n) }

// settle fills in what follows from other fields.
func (c *Config) settle() {
	if c.Server.Socket == "" {
		c.Server.Socket = c.StateDir.join("verdigris.sock")
	}
	for _, app := range c.Apps {
		app.settle()
	}
}

func (a *App) settle() {
	if isFolder(a.Repository.URL) {
		a.Repository.URL = string(Path(a.Repository.URL).from(a.Dir))
	}
	if a.Router.Kind == RouterNginx {
		a.Router.settleNginx()
	}
	if a.Router.Kind == RouterFile {
		a.Router.settleFile()
	}
	if g := a.Webhook.GitHub; g != nil && len(g.Branches) == 0 && len(g.Tags) == 0 {
		g.Branches = []string{a.Repository.Branch}
	}
	if a.Data != nil {
		a.Data.Blue.settle()
		a.Data.Green.settle()
	}
	for i := range a.Smoke {
		if check := &a.Smoke[i]; check.Name == "" {
			check.Name = check.Method + " " + check.Path
		}
	}
}

func (r *Router) settleNginx() {
	r.Service = cmp.Or(r.Service, "router")
	r.Edge.Service = cmp.Or(r.Edge.Service, "edge")
	if r.Edge.Listen == nil {
		r.Edge.Listen = []int{8080}
	}
	if r.Edge.URL != "" {
		return
	}
	if len(r.Edge.Listen) > 0 {
		r.Edge.URL = fmt.Sprintf("http://127.0.0.1:%d", r.Edge.Listen[0])
	} else if t := r.Edge.TLS; t != nil && len(t.Listen) > 0 {
		r.Edge.URL = fmt.Sprintf("https://127.0.0.1:%d", t.Listen[0])
	}
}

func (r *Router) settleFile() {
	r.Format = cmp.Or(r.Format, FormatServer)
	r.Upstream = cmp.Or(r.Upstream, "live")
	r.URL = cmp.Or(r.URL, "http://127.0.0.1/")
	if r.Container == "" && len(r.Test) == 0 && len(r.Reload) == 0 {
		r.Test, r.Reload = []string{"nginx", "-t"}, []string{"nginx", "-s", "reload"}
	}
}

func (r *Redis) settle() {
	if r.Service != "" && r.Port == 0 {
		r.Port = 6379
	}
}
