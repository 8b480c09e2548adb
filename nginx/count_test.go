package nginx

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"verdigris/deploy"

	"verdigris/internal/testkit"
)

// longAnswers opens websockets, and answers everything else with a beginning and, when finish is closed, an end.
func longAnswers(name string, finish <-chan struct{}) http.HandlerFunc {
	socket := echoSocket(name)
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			socket(w, r)
			return
		}
		fmt.Fprint(w, "begin ")
		w.(http.Flusher).Flush()
		select {
		case <-finish:
			fmt.Fprint(w, "end")
		case <-r.Context().Done():
		}
	}
}

// longSite is a site whose live slice blue gives long answers until finish is closed.
func longSite(t *testing.T) (s *site, blue, green *backend, finish chan struct{}) {
	t.Helper()
	finish = make(chan struct{})
	s = newSite(t)
	blue = newBackend(t, deploy.Blue, longAnswers("blue", finish))
	green = newBackend(t, deploy.Green, digest)
	s.goLive(t, blue)
	return s, blue, green, finish
}

// beginDownload begins a download, which goes on until the slice ends it.
func (s *site) beginDownload(t *testing.T, b *backend) (download <-chan answer) {
	t.Helper()
	download = s.send(t, http.MethodGet, "/file", "download", nil)
	testkit.Eventually(t, "the download has begun", func() bool { return b.count("GET download") == 1 })
	return download
}

// longRequests opens two websockets and begins a download.
func (s *site) longRequests(t *testing.T, b *backend) (sockets []*webSocket, download <-chan answer) {
	t.Helper()
	for range 2 {
		ws := dialWebSocket(t, s.addr)
		ws.open(t)
		sockets = append(sockets, ws)
	}
	return sockets, s.beginDownload(t, b)
}

func TestDrainCountsTheRequestsThatStayAndNotThoseThatWait(t *testing.T) {
	t.Parallel()
	s, blue, green, finish := longSite(t)
	sockets, download := s.longRequests(t, blue)

	h := s.holdTowards(t, green)
	var held []<-chan answer
	for i := range 5 {
		held = append(held, s.send(t, []string{"GET", "POST"}[i%2], "/", fmt.Sprint(i), strings.NewReader("x")))
	}
	read, write := io.Pipe() // an upload that is under way waits as well
	held = append(held, s.send(t, http.MethodPost, "/", "upload", read))
	_, err := write.Write(make([]byte, 64<<10))
	testkit.Must(t, err)
	waiting(t, h, len(held))
	left, err := h.Drain(t.Context(), 50*time.Millisecond)
	testkit.Must(t, err)
	if left != 3 {
		t.Errorf("two websockets and a download stay, and Drain counts %d", left)
	}
	testkit.Must(t, h.Route(t.Context()))
	testkit.Must(t, h.Release(t.Context()))
	testkit.Must(t, write.Close())
	for _, answers := range held {
		if a := receive(t, answers); a.slice != deploy.Green {
			t.Errorf("%d from %s", a.status, a.slice)
		}
	}
	sockets[0].echo(t, "still", "blue still")
	close(finish)
	if a := receive(t, download); a.body != "begin end" {
		t.Errorf("the download got %q", a.body)
	}
}

func TestARequestThatStayedIsNotWaitedForAgainAndCountsWhereItIs(t *testing.T) {
	t.Parallel()
	s, blue, green, finish := longSite(t)
	s.HoldTimeout = time.Hour // half of it would be waited
	download := s.beginDownload(t, blue)
	for i, c := range []struct {
		to      *backend
		timeout time.Duration
		left    int
	}{{green, 50 * time.Millisecond, 1}, {blue, time.Hour, 0}, {green, time.Hour, 1}} {
		h := s.holdTowards(t, c.to)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		left, err := h.Drain(ctx, c.timeout)
		cancel()
		if err != nil || left != c.left {
			t.Errorf("cutover %d: %d are left on the old slice, want %d; %v", i+1, left, c.left, err)
		}
		testkit.Must(t, h.Route(t.Context()))
		testkit.Must(t, h.Release(t.Context()))
	}
	staying := func(slice deploy.Slice) int {
		t.Helper()
		requests, streams, err := s.Staying(t.Context(), slice)
		testkit.Must(t, err)
		return requests + streams
	}
	if staying(deploy.Blue) != 1 || staying(deploy.Green) != 0 {
		t.Errorf("%d stay on blue, %d on green", staying(deploy.Blue), staying(deploy.Green))
	}
	close(finish)
	if a := receive(t, download); a.body != "begin end" {
		t.Errorf("the download got %q", a.body)
	}
	testkit.Eventually(t, "nothing stays", func() bool { return staying(deploy.Blue) == 0 })
}

func TestInFlightCountsWebSocketsDownloadsAndWhatWaits(t *testing.T) {
	t.Parallel()
	s, blue, green, finish := longSite(t)
	inFlight := func(what string, want int) {
		t.Helper()
		testkit.Eventually(t, what, func() bool {
			n, err := s.InFlight(t.Context())
			return err == nil && n == want
		})
	}
	inFlight("nothing is in flight", 0)
	sockets, download := s.longRequests(t, blue)
	inFlight("two websockets and a download are in flight", 3)
	h := s.holdTowards(t, green)
	held := s.send(t, http.MethodPost, "/", "held", strings.NewReader("x"))
	waiting(t, h, 1)
	inFlight("a request that waits is in flight too", 4)
	testkit.Must(t, h.Abort(t.Context()))
	close(finish)
	receive(t, download)
	receive(t, held)
	sockets[0].Close()
	inFlight("a websocket is left", 1)
}

func TestInFlightSaysThatTheRouterDoesNotRunOrCannotBeAsked(t *testing.T) {
	t.Parallel()
	s := newStoppedSite(t)
	if _, err := s.InFlight(t.Context()); err == nil {
		t.Error("a router that does not run counted")
	}
	if n, err := (&FileRouter{}).InFlight(t.Context()); n != -1 || err != nil {
		t.Errorf("a file router counts %d, %v", n, err)
	}
}
