package nginx

import (
	"bytes"
	"embed"
	"fmt"
	"math"
	"text/template"
	"time"

	"verdigris/deploy"
)

//go:embed templates/*.tmpl
var templateFiles embed.FS

var templates = template.Must(template.ParseFS(templateFiles, "templates/*.tmpl"))

// renderEdge returns the configuration of the edge.
func renderEdge(s Settings) ([]byte, error) {
	s = s.withDefaults()
	if err := s.validate(); err != nil {
		return nil, fmt.Errorf("render edge configuration: %w", err)
	}
	return execute("edge.conf.tmpl", s)
}

// renderInitial returns the upstream file of an app that has nothing live: every request gets a 503 page.
func renderInitial(s Settings) ([]byte, error) { return renderUpstream(s, truth{}, 0) }

// renderRoute returns the upstream file that sends all traffic to the route's containers.
func renderRoute(s Settings, route deploy.Route) ([]byte, error) {
	if err := checkRoute(route); err != nil {
		return nil, fmt.Errorf("render route: %w", err)
	}
	return renderUpstream(s, truth{Route: route}, 0)
}

// renderHold returns the upstream file that makes requests wait at the gate. Those that the gate lets go, or
// does not answer within wait, go to the route, which is the live one.
func renderHold(s Settings, live deploy.Route, next deploy.Slice, wait time.Duration) ([]byte, error) {
	if err := checkRoute(live); err != nil {
		return nil, fmt.Errorf("render hold: %w", err)
	}
	return renderUpstream(s, truth{Route: live, Next: next}, wait)
}

// renderMain returns the router's main configuration, which takes in the upstream file of that name beside it.
func renderMain(s Settings, upstream string) ([]byte, error) {
	s = s.withDefaults()
	if err := s.validate(); err != nil {
		return nil, fmt.Errorf("render router configuration: %w", err)
	}
	return execute("router.conf.tmpl", struct {
		Settings
		Upstream string
	}{s, upstream})
}

func renderUpstream(s Settings, t truth, wait time.Duration) ([]byte, error) {
	header, err := t.header()
	if err != nil {
		return nil, err
	}
	return execute("upstream.conf.tmpl", struct {
		Settings
		truth
		Header string
		Wait   int // seconds
	}{s.withDefaults(), t, header, int(math.Ceil(wait.Seconds()))})
}

func execute(name string, data any) ([]byte, error) {
	var out bytes.Buffer
	if err := templates.ExecuteTemplate(&out, name, data); err != nil {
		return nil, fmt.Errorf("render nginx configuration: %w", err)
	}
	return out.Bytes(), nil
}
