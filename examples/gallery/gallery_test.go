package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// gif returns bytes that every browser takes for a picture, told apart by their tail.
func gif(tail string) []byte { return []byte("GIF89a" + tail) }

// site is a gallery on a redis of its own.
type site struct {
	t         *testing.T
	url       string
	redis     *redis.Client
	stopRedis func()
}

func openSite(t *testing.T) *site {
	t.Helper()
	addr, stop := startRedis(t)
	cfg := config{port: "9090", redisAddr: addr, slice: "blue", release: strings.Repeat("c0ffee", 7)}
	store := newStore(cfg)
	server := httptest.NewServer(newGallery(cfg, store))
	client := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { server.Close(); store.close(); _ = client.Close() })
	return &site{t: t, url: server.URL, redis: client, stopRedis: stop}
}

// ask makes a request and returns the response with its body read.
func (s *site) ask(method, path string, body []byte, headers ...string) (*http.Response, string) {
	s.t.Helper()
	request, err := http.NewRequest(method, s.url+path, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	transport := http.DefaultTransport.(*http.Transport)
	response, err := transport.RoundTrip(request) // unlike a client, it follows no redirects
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response, string(answer)
}

// want checks a request's status and what its answer contains.
func (s *site) want(status int, contains, method, path string, body []byte, headers ...string) *http.Response {
	s.t.Helper()
	response, answer := s.ask(method, path, body, headers...)
	if response.StatusCode != status || !strings.Contains(answer, contains) {
		s.t.Fatalf("%s %s: got %d %q, want %d with %q", method, path, response.StatusCode, answer, status, contains)
	}
	return response
}

func TestHelloNamesThePortsAndTheRelease(t *testing.T) {
	s := openSite(t)
	_, redisPort, _ := net.SplitHostPort(s.redis.Options().Addr)
	response := s.want(200, "server port 9090, redis port "+redisPort+", 0 images", "GET", "/", nil)
	if response.Header.Get("X-Slice") != "blue" || response.Header.Get("X-Verdigris-Release") != strings.Repeat("c0ffee", 7) {
		t.Errorf("the response says slice %q, release %q", response.Header.Get("X-Slice"), response.Header.Get("X-Verdigris-Release"))
	}
	s.want(200, `<span class="slice blue">blue</span>, version `+version, "GET", "/", nil, "Accept", "text/html,*/*")
	s.want(404, "", "GET", "/nowhere", nil)
}

func TestUploadedPicturesAreShownNewestFirst(t *testing.T) {
	s := openSite(t)
	s.want(404, "no such picture", "GET", "/meow", nil)
	s.want(201, "stored: 1 images", "POST", "/upload", gif("first"))

	var form bytes.Buffer
	writer := multipart.NewWriter(&form)
	part, _ := writer.CreateFormFile("image", "cat.gif")
	_, _ = part.Write(gif("second"))
	_ = writer.Close()
	s.want(303, "", "POST", "/upload", form.Bytes(), "Content-Type", writer.FormDataContentType(), "Accept", "text/html")

	response := s.want(200, "second", "GET", "/meow", nil)
	if response.Header.Get("Content-Type") != "image/gif" {
		t.Errorf("the picture is served as %q", response.Header.Get("Content-Type"))
	}
	s.want(200, "first", "GET", "/meow?n=1", nil)
	s.want(404, "no such picture", "GET", "/meow?n=2", nil)
	s.want(400, "number of a picture", "GET", "/meow?n=-1", nil)
	if kept := s.redis.LLen(context.Background(), "images").Val(); kept != 2 {
		t.Errorf("redis keeps %d pictures, want 2", kept)
	}
}

func TestUploadRefusesWhatIsNoPicture(t *testing.T) {
	s := openSite(t)
	s.want(415, "not a picture", "POST", "/upload", []byte("#!/bin/sh"))
	s.want(415, "not a picture", "POST", "/upload", nil)
	s.want(413, "at most", "POST", "/upload", gif(strings.Repeat("x", maxImage)))
	s.want(400, "image", "POST", "/upload", []byte("--b--"), "Content-Type", "multipart/form-data; boundary=b")
	if kept := s.redis.LLen(context.Background(), "images").Val(); kept != 0 {
		t.Errorf("redis keeps %d pictures, want none", kept)
	}
}

func TestRecentListsTheLastFiveVisits(t *testing.T) {
	s := openSite(t)
	for i := range 7 {
		s.want(200, "", "GET", fmt.Sprintf("/?visit=%d", i), nil)
	}
	s.want(200, "ok", "GET", "/health", nil)
	_, answer := s.ask("GET", "/recent", nil)
	if want := "/recent\n/?visit=6\n/?visit=5\n/?visit=4\n/?visit=3\n"; answer != want {
		t.Errorf("recent visits are\n%s\nwant\n%s", answer, want)
	}
}

func TestMessagesExpireAfterTenSeconds(t *testing.T) {
	s := openSite(t)
	s.want(404, "gone", "GET", "/get", nil)
	s.want(200, "10 seconds", "POST", "/set", nil)
	s.want(200, "self-destruct", "GET", "/get", nil)
	s.want(200, "", "POST", "/set", []byte("key=images&value=meow"), "Content-Type", "application/x-www-form-urlencoded")
	s.want(200, "meow", "GET", "/get?key=images", nil)
	if ttl := s.redis.PTTL(context.Background(), "note:images").Val(); ttl <= 0 || ttl > 10*time.Second {
		t.Errorf("the message lives for %v, want up to 10 s", ttl)
	}
}

func TestWithoutRedisHealthSaysWhyAndNothingHangs(t *testing.T) {
	s := openSite(t)
	s.want(200, "ok", "GET", "/health", nil)
	s.stopRedis()
	addr := s.redis.Options().Addr
	for _, path := range []string{"/health", "/", "/meow", "/recent", "/get", "/set"} {
		s.want(503, "redis at "+addr, "GET", path, nil)
	}
	s.want(503, "redis at "+addr, "POST", "/upload", gif("lost"))
}
