package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// maxImage bounds one upload, in bytes.
const maxImage = 16 << 20

// upload stores the picture in the body, which is the picture itself or a form with a file named "image", on the wall
// or in the album of ?album=.
func (g *gallery) upload(w http.ResponseWriter, r *http.Request) {
	key, err := albumKey(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxImage)
	image, err := readImage(r)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		http.Error(w, fmt.Sprintf("a picture may have %d bytes at most", maxImage), http.StatusRequestEntityTooLarge)
		return
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	case !strings.HasPrefix(http.DetectContentType(image), "image/"):
		http.Error(w, "that is not a picture: send a PNG, JPEG, GIF or WebP", http.StatusUnsupportedMediaType)
		return
	}
	count, err := g.store.addImage(r.Context(), key, image)
	if err != nil {
		g.fail(w, err)
		return
	}
	if wantsPage(r) {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, "stored: %d images\n", count)
}

func readImage(r *http.Request) ([]byte, error) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		image, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, fmt.Errorf("read picture: %w", err)
		}
		return image, nil
	}
	file, _, err := r.FormFile("image")
	if err != nil {
		return nil, fmt.Errorf(`read the form's file "image": %w`, err)
	}
	defer file.Close()
	return io.ReadAll(file)
}

// meow shows one picture: the newest, or the n-th newest with ?n=; of the wall, or of the album of ?album=.
func (g *gallery) meow(w http.ResponseWriter, r *http.Request) {
	key, err := albumKey(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var n int64
	if asked := r.FormValue("n"); asked != "" {
		if n, err = strconv.ParseInt(asked, 10, 64); err != nil || n < 0 {
			http.Error(w, "n is the number of a picture, counted from 0 at the newest", http.StatusBadRequest)
			return
		}
	}
	image, err := g.store.image(r.Context(), key, n)
	switch {
	case errors.Is(err, errNone):
		http.Error(w, "there is no such picture: POST one to /upload", http.StatusNotFound)
	case err != nil:
		g.fail(w, err)
	default:
		writeImage(w, image)
	}
}

func writeImage(w http.ResponseWriter, image []byte) {
	w.Header().Set("Content-Type", http.DetectContentType(image))
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(image) // an error here is a visitor who left
}
