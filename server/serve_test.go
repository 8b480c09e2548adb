package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
	"verdigris/server"
)

func TestStoppingLetsRequestsEndAndStreamsGo(t *testing.T) {
	inside, leave := make(chan struct{}), make(chan struct{})
	s := start(t)
	s.controller.events = tell(true, deploy.EventLog)
	s.controller.stop = func(context.Context, string, deploy.Slice) error {
		close(inside)
		<-leave
		return nil
	}
	_, lines := s.stream("/deployments/8/events")
	answered := make(chan int)
	go func() { answered <- s.request("POST", "/stop/blue", "").StatusCode }()
	<-inside
	stopped := make(chan error)
	go func() { stopped <- s.stop() }()
	for lines.Scan() { // to the end of the stream
	}
	testkit.Eventually(t, "new connections are refused", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	select {
	case err := <-stopped:
		t.Fatalf("the server did not wait for the request under way: %v", err)
	default:
	}
	close(leave)
	if status := <-answered; status != http.StatusNoContent {
		t.Errorf("the request under way got %d", status)
	}
	check(t, <-stopped)
	if _, err := os.Stat(s.socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestARequestThatNeverEndsDoesNotKeepTheServer(t *testing.T) {
	inside := make(chan struct{})
	s := start(t, func(s *service) { s.Grace = 50 * time.Millisecond })
	s.controller.stop = func(ctx context.Context, _ string, _ deploy.Slice) error {
		close(inside)
		<-ctx.Done()
		return ctx.Err()
	}
	go func() {
		r, _ := http.NewRequest(http.MethodPost, s.url+"/stop/blue", nil)
		r.Header.Set("Authorization", "Bearer "+goodToken)
		if response, err := http.DefaultClient.Do(r); err == nil {
			response.Body.Close()
		}
	}()
	<-inside
	if err := s.stop(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestASlowHeaderIsCutOff(t *testing.T) {
	s := start(t, func(s *service) { s.ReadTimeout = 50 * time.Millisecond })
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	check(t, err)
	defer conn.Close()
	_, err = fmt.Fprint(conn, "GET /health HTTP/1.1\r\nHost: x\r\n")
	check(t, err)
	check(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
	if _, err := bufio.NewReader(conn).ReadByte(); err == nil || os.IsTimeout(err) {
		t.Errorf("the connection was kept: %v", err)
	}
}

func TestASlowStopHasMoreTimeThanOtherAnswers(t *testing.T) {
	s := start(t, func(s *service) { s.ReadTimeout, s.WriteTimeout = 50*time.Millisecond, 50*time.Millisecond })
	s.controller.stop = func(ctx context.Context, _ string, _ deploy.Slice) error {
		select {
		case <-time.After(200 * time.Millisecond):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.request("POST", "/stop/blue", "").want(http.StatusNoContent)
}

func TestReadinessTellsWhatTheChecksSay(t *testing.T) {
	var failure atomic.Pointer[error]
	s := start(t, func(s *service) {
		s.ReadyEvery = 10 * time.Millisecond
		s.Ready = []server.Check{{Name: "fine", Run: func(context.Context) error { return nil }},
			{Name: "engine", Run: func(context.Context) error {
				if err := failure.Load(); err != nil {
					return *err
				}
				return nil
			}}}
	})
	s.request("GET", "/ready", "", "Authorization:").want(200, `{"status":"ready"}`)
	err := errors.New("topsecret address refused")
	failure.Store(&err)
	testkit.Eventually(t, "the failing check shows", func() bool { return s.request("GET", "/ready", "").StatusCode == 503 })
	if a := s.request("GET", "/ready", "", "Authorization:").want(503); strings.Contains(string(a.body), "topsecret") || strings.Contains(string(a.body), "engine") {
		t.Errorf("a stranger learns too much: %s", a.body)
	}
	failure.Store(nil)
	testkit.Eventually(t, "it is ready again", func() bool { return s.request("GET", "/ready", "").StatusCode == 200 })
	if log := s.log.String(); strings.Count(log, `"msg":"not ready"`) != 1 || strings.Count(log, `"msg":"ready again"`) != 1 || !strings.Contains(log, `"check":"engine"`) {
		t.Errorf("the log: %s", log)
	}
}

func TestTheSocketIsForTheGroupAndReplacesAStaleOne(t *testing.T) {
	path := filepath.Join(shortDir(t), "state", "v.sock")
	first, err := server.ListenLocal(path)
	check(t, err)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("got %v %v", info.Mode(), err)
	}
	if _, err := server.ListenLocal(path); err == nil || !strings.HasSuffix(err.Error(), "another verdigris listens on "+path) {
		t.Errorf("a second server on a live socket: %v", err)
	}
	check(t, first.Close())

	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	check(t, err)
	stale.SetUnlinkOnClose(false)
	check(t, stale.Close()) // as a killed process leaves it
	second, err := server.ListenLocal(path)
	check(t, err)
	check(t, second.Close())
}

func TestTheSocketDoesNotTakeWhatIsNotItsOwn(t *testing.T) {
	path := filepath.Join(shortDir(t), "v.sock")
	check(t, os.WriteFile(path, []byte("precious"), 0o600))
	if _, err := server.ListenLocal(path); err == nil || !strings.Contains(err.Error(), "not a socket") {
		t.Errorf("got %v", err)
	}
	if text, err := os.ReadFile(path); string(text) != "precious" || err != nil {
		t.Errorf("the file became %q: %v", text, err)
	}
	check(t, os.Remove(path))

	foreign, err := net.Listen("unix", path) // live, and without our lock
	check(t, err)
	defer foreign.Close()
	if _, err := server.ListenLocal(path); err == nil || !strings.HasSuffix(err.Error(), "another verdigris listens on "+path) {
		t.Errorf("got %v", err)
	}
	if _, err := server.ListenLocal("/" + strings.Repeat("x", 107)); !errors.As(err, new(*deploy.InputError)) {
		t.Errorf("a path that is too long: %v", err)
	}
}
