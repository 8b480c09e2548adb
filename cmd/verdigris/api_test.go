package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"verdigris/deploy"
)

const commit = deploy.Commit("3f2a1b4c5d6e7f8091a2b3c4d5e6f708192a3b4c")

// workplace is a folder with a verdigris.yml, and a server of our own making on its socket.
type workplace struct {
	dir string
	mux *http.ServeMux
}

// newWorkplace serves what the test adds to mux on the socket that the configuration names.
func newWorkplace(t *testing.T) *workplace {
	t.Helper()
	w := newFolder(t, "apps:\n  shop:\n    repository: {url: .}\n    web: {port: 8080}\n")
	if err := os.MkdirAll(filepath.Join(w.dir, ".verdigris"), 0o755); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(w.dir, ".verdigris/verdigris.sock"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: w.mux}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return w
}

// newFolder has the configuration and no server.
func newFolder(t *testing.T, configuration string) *workplace {
	t.Helper()
	dir, err := os.MkdirTemp("", "vd") // t.TempDir is too long for a unix socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	w := &workplace{dir: dir, mux: http.NewServeMux()}
	w.write(t, "verdigris.yml", configuration)
	return w
}

func (w *workplace) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// result is what one command line printed and returned.
type result struct {
	code     int
	out, err string
}

func (w *workplace) run(t *testing.T, args ...string) result {
	t.Helper()
	return w.runContext(t.Context(), args...)
}

func (w *workplace) runContext(ctx context.Context, args ...string) result {
	var out, errs bytes.Buffer
	args = append([]string{"--config", filepath.Join(w.dir, "verdigris.yml")}, args...)
	code := run(ctx, args, strings.NewReader(""), &out, &errs)
	return result{code: code, out: out.String(), err: errs.String()}
}

// want checks the exit code and that the output has all the texts.
func (r result) want(t *testing.T, code int, texts ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d", r.code, code)
	}
	for _, text := range texts {
		if !strings.Contains(r.out+r.err, text) {
			t.Errorf("want %q in the output", text)
		}
	}
	if t.Failed() {
		t.Logf("stdout:\n%s\nstderr:\n%s", r.out, r.err)
	}
}

func reply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(value)
}

func problem(w http.ResponseWriter, status int, detail, next string) {
	reply(w, status, map[string]any{"status": status, "detail": detail, "next": next})
}

func writeEvents(w http.ResponseWriter, events ...deploy.Event) {
	w.Header().Set("Content-Type", "text/event-stream")
	for _, e := range events {
		text, _ := json.Marshal(e)
		fmt.Fprintf(w, ": awake\n\nid: %d\nevent: %s\ndata: %s\n\n", e.Seq, e.Type, text)
	}
	w.(http.Flusher).Flush()
}
