package main

import (
	"log/slog"
	"net/http"
)

// gallery answers the site's requests.
type gallery struct {
	cfg     config
	store   *store
	streams *streams
	handler http.Handler
}

func newGallery(cfg config, store *store) *gallery {
	g := &gallery{cfg: cfg, store: store, streams: newStreams()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", g.hello)
	mux.HandleFunc("POST /upload", g.upload)
	mux.HandleFunc("POST /pop", g.pop)
	mux.HandleFunc("GET /meow", g.meow)
	mux.HandleFunc("GET /live", g.live)
	mux.HandleFunc("GET /events", g.events)
	mux.HandleFunc("GET /recent", g.recent)
	mux.HandleFunc("GET /get", g.get)
	mux.HandleFunc("GET /set", g.set)
	mux.HandleFunc("POST /set", g.set)
	mux.HandleFunc("GET /health", g.health)
	g.handler = g.labelled(g.remembered(mux))
	return g
}

func (g *gallery) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.handler.ServeHTTP(w, r) }

// labelled tells in every response which slice and release made it.
func (g *gallery) labelled(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Slice", g.cfg.slice)
		w.Header().Set("X-Verdigris-Release", g.cfg.release)
		next.ServeHTTP(w, r)
	})
}

var unvisited = map[string]bool{"/health": true, "/live": true, "/events": true}

// remembered keeps the last URLs that visitors looked at. Probes are no visitors, and what a page asks by itself is
// no visit.
func (g *gallery) remembered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && !unvisited[r.URL.Path] {
			if err := g.store.remember(r.Context(), r.URL.RequestURI()); err != nil {
				slog.Warn("visit not remembered", "error", err)
			}
		}
		next.ServeHTTP(w, r)
	})
}

// fail answers a request that could not be served because redis could not be used.
func (g *gallery) fail(w http.ResponseWriter, err error) {
	slog.Error("request failed", "error", err)
	http.Error(w, err.Error(), http.StatusServiceUnavailable)
}
