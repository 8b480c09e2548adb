package nginx

import (
	"bytes"
	"embed"
	"errors"
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
func renderInitial(s Settings) ([]byte, error) { return renderUpstream(s, upstream{}) }

// renderRoute returns the upstream file that sends all traffic to the route's containers.
func renderRoute(s Settings, route deploy.Route) ([]byte, error) {
	if err := checkRoute(route); err != nil {
		return nil, fmt.Errorf("render route: %w", err)
	}
	return renderUpstream(s, upstream{truth: truth{Route: route}})
}

// renderHold returns the upstream file that makes requests wait at the gate. Those that the gate does not answer within
// wait, or that find none, go to the live route, or to the next one once the hold's sign says so. The gate and the sign are
// known by the hold's name.
func renderHold(s Settings, live, next deploy.Route, name string, wait time.Duration) ([]byte, error) {
	if err := errors.Join(checkRoute(live), checkRoute(next)); err != nil {
		return nil, fmt.Errorf("render hold: %w", err)
	}
	return renderUpstream(s, upstream{
		truth:    truth{Route: live, Next: next.Slice, Hold: name, To: &next},
		NextSign: sign{name, next.Slice}.file(),
		Wait:     int(math.Ceil(wait.Seconds())),
	})
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

// upstream is what an upstream file is rendered from. All but the truth is for a hold.
type upstream struct {
	truth
	NextSign string // the file that says that the next route counts
	Wait     int    // seconds, until nginx gives up on the gate
}

func renderUpstream(s Settings, u upstream) ([]byte, error) {
	header, err := u.header()
	if err != nil {
		return nil, err
	}
	return execute("upstream.conf.tmpl", struct {
		Settings
		upstream
		Header string
		Doors  []string
	}{s.withDefaults(), u, header, allDoors()})
}

func execute(name string, data any) ([]byte, error) {
	var out bytes.Buffer
	if err := templates.ExecuteTemplate(&out, name, data); err != nil {
		return nil, fmt.Errorf("render nginx configuration: %w", err)
	}
	return out.Bytes(), nil
}
