package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"
)

//go:embed page.html
var pageSource string

var page = template.Must(template.New("page").Parse(pageSource))

// greeting is what GET / says, as a page or as lines of text.
type greeting struct {
	Version, Headline     string
	Accent                template.CSS
	Slice, Release        string
	ServerPort, RedisPort string
	Images                int64
}

// hello greets with a page where a browser asks, and with plain text otherwise.
func (g *gallery) hello(w http.ResponseWriter, r *http.Request) {
	count, err := g.store.countImages(r.Context())
	if err != nil {
		g.fail(w, err)
		return
	}
	greet := greeting{
		Version: version, Headline: headline, Accent: accent,
		Slice: g.cfg.slice, Release: g.cfg.release[:min(len(g.cfg.release), 12)],
		ServerPort: g.cfg.port, RedisPort: g.cfg.redisPort(), Images: count,
	}
	if !wantsPage(r) {
		fmt.Fprintf(w, "Hello from %s: %s, version %s (release %s)\nserver port %s, redis port %s, %d images\n",
			greet.Slice, greet.Headline, greet.Version, greet.Release, greet.ServerPort, greet.RedisPort, greet.Images)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = page.Execute(w, greet) // an error here is a visitor who left
}

func wantsPage(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}
