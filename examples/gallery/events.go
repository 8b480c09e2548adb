package main

import (
	"fmt"
	"net/http"
)

// events tells the number of pictures as server-sent events.
func (g *gallery) events(w http.ResponseWriter, r *http.Request) {
	ctx, leave := g.streams.join(r.Context())
	defer leave()
	out, begun := http.NewResponseController(w), false
	for count, err := range g.store.counts(ctx) {
		switch {
		case err != nil && !begun:
			g.fail(w, err)
			return
		case err != nil:
			return // the browser asks again by itself
		case !begun:
			w.Header().Set("Content-Type", "text/event-stream")
			w.Header().Set("Cache-Control", "no-store")
			w.Header().Set("X-Accel-Buffering", "no") // nginx passes each event on at once
			begun = true
		}
		if _, err := fmt.Fprintf(w, "data: %s\n\n", countMessage(count)); err != nil || out.Flush() != nil {
			return
		}
	}
}
