package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"verdigris/deploy"
	"verdigris/server"
)

const (
	goodToken = "vdg_good"
	commitA   = deploy.Commit("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
)

// service is a server of one test on a TCP port and a unix socket.
type service struct {
	*server.Server
	t          *testing.T
	controller *fakeController
	url        string
	socket     string
	log        *logBuffer
	local      *http.Client
	stop       func() error
}

// start serves what change makes of the defaults.
func start(t *testing.T, change ...func(*service)) *service {
	t.Helper()
	s := &service{t: t, controller: &fakeController{}, log: &logBuffer{}}
	s.Server = server.New(s.controller)
	s.Logger = slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.Verify = func(_ context.Context, token string) (string, bool, error) { return "ada", token == goodToken, nil }
	for _, c := range change {
		c(s)
	}
	network, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	s.url = "http://" + network.Addr().String()
	s.socket = filepath.Join(shortDir(t), "v.sock")
	local, err := server.ListenLocal(s.socket)
	check(t, err)
	s.local = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", s.socket)
	}}}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, network, local) }()
	s.stop = sync.OnceValue(func() error {
		cancel()
		s.local.CloseIdleConnections()
		return <-ended
	})
	t.Cleanup(func() { _ = s.stop() })
	return s
}

// shortDir is a folder whose path leaves room for a unix socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "vd")
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// answer is what came back, body read.
type answer struct {
	t *testing.T
	*http.Response
	body []byte
}

// request makes a request over TCP with the good token. Headers are "Name: value"; "Name:" takes one away.
func (s *service) request(method, path, body string, headers ...string) answer {
	s.t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, reader)
	check(s.t, err)
	r.Header.Set("Authorization", "Bearer "+goodToken)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ":")
		r.Header.Del(name)
		if value = strings.TrimSpace(value); value != "" {
			r.Header.Set(name, value)
		}
	}
	return s.do(http.DefaultClient, r)
}

// do also holds the answer against the OpenAPI description.
func (s *service) do(client *http.Client, r *http.Request) answer {
	s.t.Helper()
	response, err := client.Do(r)
	check(s.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	check(s.t, err)
	a := answer{s.t, response, body}
	described(a)
	return a
}

// want checks the status and that the body has all the texts.
func (a answer) want(status int, texts ...string) answer {
	a.t.Helper()
	if a.StatusCode != status {
		a.t.Errorf("%s %s: status %d, want %d: %s", a.Request.Method, a.Request.URL.Path, a.StatusCode, status, a.body)
	}
	for _, text := range texts {
		if !bytes.Contains(a.body, []byte(text)) {
			a.t.Errorf("%s %s: want %q in %s", a.Request.Method, a.Request.URL.Path, text, a.body)
		}
	}
	return a
}

func (a answer) decode(into any) {
	a.t.Helper()
	check(a.t, json.Unmarshal(a.body, into))
}

// logBuffer takes the server's log.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
