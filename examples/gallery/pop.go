package main

import (
	"errors"
	"net/http"
)

// pop takes the oldest picture down, for good, and answers with it.
func (g *gallery) pop(w http.ResponseWriter, r *http.Request) {
	key, err := albumKey(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	image, err := g.store.popImage(r.Context(), key)
	switch {
	case errors.Is(err, errNone):
		http.Error(w, "there is no picture left", http.StatusNotFound)
	case err != nil:
		g.fail(w, err)
	default:
		writeImage(w, image)
	}
}
