package main

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// dial opens the live websocket of a gallery.
func dial(t *testing.T, url string) *websocket.Conn {
	t.Helper()
	conn, response, err := websocket.Dial(t.Context(), strings.Replace(url, "http:", "ws:", 1)+"/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	if slice := response.Header.Get("X-Slice"); slice == "" {
		t.Error("the websocket does not say which slice answers")
	}
	return conn
}

// hear reads messages until the wanted one has come.
func hear(t *testing.T, conn *websocket.Conn, want string) {
	t.Helper()
	for {
		_, message, err := conn.Read(t.Context())
		if err != nil {
			t.Fatalf("waiting for %s: %v", want, err)
		}
		if string(message) == want {
			return
		}
	}
}

func TestLiveTellsTheCountAndSendsTextBack(t *testing.T) {
	s := openSite(t)
	conn := dial(t, s.url)
	hear(t, conn, `{"images":0}`)
	s.want(201, "", "POST", "/upload", gif("first"))
	hear(t, conn, `{"images":1}`)
	hear(t, conn, `{"images":1}`) // once more, although nothing has changed
	if err := conn.Write(t.Context(), websocket.MessageText, []byte("meow")); err != nil {
		t.Fatal(err)
	}
	hear(t, conn, "meow")
	s.want(400, "", "GET", "/live", nil, "Connection", "upgrade", "Upgrade", "websocket")
	s.stopRedis()
	for {
		if _, _, err := conn.Read(t.Context()); err != nil {
			if websocket.CloseStatus(err) != websocket.StatusInternalError {
				t.Errorf("without redis the websocket ended with: %v", err)
			}
			return
		}
	}
}

func TestEventsTellTheCount(t *testing.T) {
	s := openSite(t)
	response, err := http.Get(s.url + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if kind := response.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("the events are served as %q", kind)
	}
	lines := bufio.NewScanner(response.Body)
	for _, want := range []string{`data: {"images":0}`, `data: {"images":1}`} {
		for lines.Scan() && lines.Text() != want {
		}
		if lines.Text() != want {
			t.Fatalf("the stream ended before %s", want)
		}
		s.want(201, "", "POST", "/upload", gif("another"))
	}
	s.stopRedis()
	for lines.Scan() {
	}
	if err := lines.Err(); err != nil {
		t.Errorf("without redis the stream ended with: %v", err)
	}
	s.want(503, "redis at", "GET", "/events", nil)
}

func TestStreamsAreToldThatTheGalleryCloses(t *testing.T) {
	addr, _ := startRedis(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, listener, config{redisAddr: addr, slice: "blue"}) }()
	url := "http://" + listener.Addr().String()
	eventually(t, "the gallery answers", func() bool { return askHealth(t.Context(), url+"/health") == nil })
	conn := dial(t, url)
	hear(t, conn, `{"images":0}`)
	events, err := http.Get(url + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer events.Body.Close()

	stop()
	for err == nil {
		_, _, err = conn.Read(t.Context())
	}
	if websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("the websocket ended with: %v", err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("serve ended with: %v", err)
		}
	case <-time.After(shutdownTimeout):
		t.Fatal("streams keep the gallery from closing")
	}
}
