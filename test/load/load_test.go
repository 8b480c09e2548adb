package load_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"verdigris/test/load"
)

// serve returns the url of a server with that handler.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func get(url string) func(int) (*http.Request, error) {
	return func(int) (*http.Request, error) { return http.NewRequest(http.MethodGet, url, nil) }
}

// cut ends a connection without a word.
func cut(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		conn.Close()
	}
}

// failure returns the only failure of a report.
func failure(t *testing.T, r load.Report) load.Failure {
	t.Helper()
	if all := r.Failures(); len(all) == 1 {
		return all[0]
	}
	t.Fatalf("want one failure: %s", r)
	return load.Failure{}
}

func TestRequestsShareAConnectionAndFailuresAreCounted(t *testing.T) {
	var asked atomic.Int64
	connections := make(map[string]bool)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		connections[r.RemoteAddr] = true
		w.Header().Set("X-Verdigris-Slice", "blue")
		if asked.Add(1)%3 == 0 {
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	begin := time.Now()
	report := load.Start(t.Context(), load.Plan{Count: 9, Workers: []load.Worker{load.Requests{Request: get(url)}}}).Wait()
	of := report.Kinds["requests"]
	if of.Sent != 9 || of.Failed != 3 || of.Slices["blue"] != 9 || of.Latency.Count() != 6 {
		t.Errorf("report: %s", report)
	}
	if f := failure(t, report); f.What != "requests: status 502" || f.Count != 3 || f.First.Before(begin) || f.First.After(time.Now()) {
		t.Errorf("failure: %+v", f)
	}
	if len(connections) != 1 {
		t.Errorf("%d connections were used, want 1", len(connections))
	}
}

func TestAConnectionThatTheServerClosesUnderARequestIsAFailureAndNotRepeated(t *testing.T) {
	var asked atomic.Int64
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 2 {
			cut(w)
		}
	})
	c := &load.Client{}
	defer c.Close()
	for i, wantError := range []bool{false, true, false} {
		request, _ := http.NewRequest(http.MethodGet, url, nil)
		if _, _, _, err := c.Do(context.Background(), request); (err != nil) != wantError {
			t.Errorf("request %d: error %v", i+1, err)
		}
	}
	if n := asked.Load(); n != 3 {
		t.Errorf("the server saw %d requests, want 3", n)
	}
}

func TestAnUploadThatIsCutOffIsToldWithoutAddresses(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { cut(w) })
	report := load.Start(t.Context(), load.Plan{Count: 3, Workers: []load.Worker{load.Uploads(url, func(int) string { return "" })}}).Wait()
	for _, f := range report.Failures() {
		if strings.Contains(f.What, "127.0.0.1") {
			t.Errorf("failure: %s", f.What)
		}
	}
	if report.Failed() != 3 {
		t.Errorf("report: %s", report)
	}
}

func TestEveryRequestIsRecordedAndWatched(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/cut" {
			cut(w)
			return
		}
		_, _ = w.Write([]byte("meow"))
	})
	var recorded []load.Exchange
	var watched []load.Entry
	paths := []string{"/", "/cut", "/"}
	report := load.Start(t.Context(), load.Plan{Count: len(paths), Watch: func(e load.Entry) { watched = append(watched, e) }, Workers: []load.Worker{load.Requests{
		Kind:    "visits",
		Request: func(i int) (*http.Request, error) { return get(url + paths[i])(i) },
		Record:  func(x load.Exchange) { recorded = append(recorded, x) },
	}}}).Wait()
	if len(recorded) != 3 || string(recorded[0].Body) != "meow" || recorded[1].Err == nil || recorded[2].I != 2 {
		t.Errorf("recorded: %+v", recorded)
	}
	if len(watched) != 3 || watched[0].Kind != "visits" || watched[1].Err == nil {
		t.Errorf("watched: %+v", watched)
	}
	if f := failure(t, report); f.What != "visits: read answer: unexpected EOF" {
		t.Errorf("failure: %+v", f)
	}
}

func TestRequestsKeepTheirPace(t *testing.T) {
	url := serve(t, func(http.ResponseWriter, *http.Request) {})
	const every = 5 * time.Millisecond
	begin := time.Now()
	load.Start(t.Context(), load.Plan{Count: 5, Workers: []load.Worker{load.Requests{Request: get(url), Every: every}}}).Wait()
	if took := time.Since(begin); took < 4*every {
		t.Errorf("five requests took %s, so they were less than %s apart", took, every)
	}
}

func TestALoadEndsWithItsTimeItsContextAndStop(t *testing.T) {
	url := serve(t, func(http.ResponseWriter, *http.Request) {})
	workers := []load.Worker{load.Requests{Request: get(url), Every: time.Millisecond}}
	load.Start(t.Context(), load.Plan{Time: time.Millisecond, Workers: workers}).Wait()

	ctx, cancel := context.WithCancel(t.Context())
	l := load.Start(ctx, load.Plan{Workers: workers})
	cancel()
	l.Wait()

	l = load.Start(t.Context(), load.Plan{Time: time.Hour, Workers: workers})
	for l.Sent() == 0 {
		time.Sleep(time.Millisecond)
	}
	if report := l.Stop(); report.Sent() == 0 || report.Failed() != 0 {
		t.Errorf("report: %s", report)
	}
}

func TestUploadsHaveOneToFiveMegabytesAndTheirHead(t *testing.T) {
	sizes := map[int64]bool{}
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if head := string(body[:8]); head != "GIF89a-0" && head != "GIF89a-1" || int64(len(body)) != r.ContentLength || r.ContentLength < load.MinUpload || r.ContentLength > load.MaxUpload {
			w.WriteHeader(http.StatusBadRequest)
		}
		sizes[r.ContentLength] = true
	})
	head := func(i int) string { return "GIF89a-" + string(rune('0'+i%2)) }
	report := load.Start(t.Context(), load.Plan{Count: 6, Workers: []load.Worker{load.Uploads(url, head)}}).Wait()
	if of := report.Kinds["uploads"]; of.Sent != 6 || of.Failed != 0 || len(sizes) != 6 {
		t.Errorf("%d sizes, report: %s", len(sizes), report)
	}
}
