package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// set keeps a value for ten seconds; get reads it back. Both take ?key= and set takes ?value=, or a form.
func (g *gallery) set(w http.ResponseWriter, r *http.Request) {
	key := cmp.Or(r.FormValue("key"), "key")
	value := cmp.Or(r.FormValue("value"), "this message will self-destruct in 10 seconds")
	if err := g.store.setNote(r.Context(), key, value); err != nil {
		g.fail(w, err)
		return
	}
	fmt.Fprintln(w, "kept for 10 seconds")
}

func (g *gallery) get(w http.ResponseWriter, r *http.Request) {
	value, err := g.store.note(r.Context(), cmp.Or(r.FormValue("key"), "key"))
	switch {
	case errors.Is(err, errNone):
		http.Error(w, "there is no such message, or it is gone", http.StatusNotFound)
	case err != nil:
		g.fail(w, err)
	default:
		fmt.Fprintln(w, value)
	}
}

// recent lists the last URLs that were visited, newest first.
func (g *gallery) recent(w http.ResponseWriter, r *http.Request) {
	urls, err := g.store.recent(r.Context())
	if err != nil {
		g.fail(w, err)
		return
	}
	fmt.Fprintln(w, strings.Join(urls, "\n"))
}
