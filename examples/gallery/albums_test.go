package main

import (
	"strings"
	"testing"
)

func TestPopTakesTheOldestPictureDown(t *testing.T) {
	s := openSite(t)
	s.want(404, "no picture left", "POST", "/pop", nil)
	s.want(201, "", "POST", "/upload", gif("first"))
	s.want(201, "", "POST", "/upload", gif("second"))
	response := s.want(200, "first", "POST", "/pop", nil)
	if response.Header.Get("Content-Type") != "image/gif" {
		t.Errorf("the picture is served as %q", response.Header.Get("Content-Type"))
	}
	s.want(200, "second", "POST", "/pop", nil)
	s.want(404, "no picture left", "POST", "/pop", nil)
	s.stopRedis()
	s.want(503, "redis at", "POST", "/pop", nil)
}

func TestAlbumsAreListsOfTheirOwn(t *testing.T) {
	s := openSite(t)
	s.want(201, "stored: 1 images", "POST", "/upload", gif("wall"))
	s.want(201, "stored: 1 images", "POST", "/upload?album=cats-1", gif("album"))
	s.want(200, "album", "GET", "/meow?album=cats-1", nil)
	s.want(200, "wall", "GET", "/meow", nil)
	if kept := s.redis.LLen(t.Context(), "images:cats-1").Val(); kept != 1 {
		t.Errorf("redis keeps %d pictures of the album, want 1", kept)
	}
	s.want(200, "album", "POST", "/pop?album=cats-1", nil)
	s.want(404, "", "GET", "/meow?album=cats-1", nil)
	s.want(200, "wall", "GET", "/meow", nil)
	for _, name := range []string{"a:b", "Cats", "%00", strings.Repeat("x", 41)} {
		for _, ask := range [][2]string{{"POST", "/upload"}, {"POST", "/pop"}, {"GET", "/meow"}} {
			s.want(400, "an album's name", ask[0], ask[1]+"?album="+name, gif("lost"))
		}
	}
}
