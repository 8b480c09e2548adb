package main

import (
	"errors"
	"net/http"
	"regexp"
)

// errAlbum is what a visitor with a strange album is told.
var errAlbum = errors.New("an album's name has up to 40 small letters, digits and dashes")

var albumName = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)

// albumKey returns the key of the list that a request is about: the wall's, or that of the album in ?album=.
func albumKey(r *http.Request) (string, error) {
	album := r.URL.Query().Get("album")
	switch {
	case album == "":
		return imagesKey, nil
	case !albumName.MatchString(album):
		return "", errAlbum
	}
	return imagesKey + ":" + album, nil
}
