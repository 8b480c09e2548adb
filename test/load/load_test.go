package load_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"verdigris/test/load"
)

func get(url string) func(int) (*http.Request, error) {
	return func(int) (*http.Request, error) { return http.NewRequest(http.MethodGet, url, nil) }
}

func TestRequestsShareAConnectionAndFailuresAreCounted(t *testing.T) {
	var asked atomic.Int64
	connections := make(map[string]bool)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connections[r.RemoteAddr] = true
		if asked.Add(1)%3 == 0 {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer server.Close()
	l := load.Start(context.Background(), server.Listener.Addr().String(), load.Worker{Request: get(server.URL), Pause: time.Millisecond})
	for deadline := time.Now().Add(10 * time.Second); l.Sent() < 9 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	report := l.Stop()
	if report.Sent < 9 || report.Failed != report.Sent/3 || report.Errors["status 502"] != report.Failed {
		t.Errorf("report: %s", report)
	}
	if len(connections) != 1 {
		t.Errorf("%d connections were used, want 1", len(connections))
	}
}

func TestAConnectionThatTheServerClosesUnderARequestIsAFailureAndNotRepeated(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 2 {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				conn.Close()
			}
		}
	}))
	defer server.Close()
	c := load.NewClient(server.Listener.Addr().String())
	defer c.Close()
	for i, wantError := range []bool{false, true, false} {
		request, _ := http.NewRequest(http.MethodGet, server.URL, nil)
		if _, _, _, err := c.Do(context.Background(), request); (err != nil) != wantError {
			t.Errorf("request %d: error %v", i+1, err)
		}
	}
	if n := asked.Load(); n != 3 {
		t.Errorf("the server saw %d requests, want 3", n)
	}
}
