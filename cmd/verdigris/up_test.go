package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"verdigris/compose"
	"verdigris/config"
)

// nginxImage returns an nginx image that the engine has.
func nginxImage(t *testing.T) string {
	t.Helper()
	for _, image := range []string{os.Getenv("NGINX_IMAGE"), "nginx:1.28", "verdigris-local/nginx"} {
		if image != "" && exec.Command("docker", "image", "inspect", image).Run() == nil {
			return image
		}
	}
	missing(t, "no nginx image: scripts/images.sh gets or builds one")
	return ""
}

// missing fails the test, or skips it where that was asked for.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("VERDIGRIS_SKIP_MISSING") == "1" {
		t.Skip(what)
	}
	t.Fatal(what)
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

func TestUpStartsTheSharedServicesAndDoctorSeesThem(t *testing.T) {
	image, port := nginxImage(t), freePort(t)
	app := fmt.Sprintf("vdup%d", os.Getpid())
	w := newFolder(t, fmt.Sprintf("server: {listen: '127.0.0.1:0'}\napps: {%s: {repository: {url: .}, web: {port: 80}, router: {edge: {url: 'http://127.0.0.1:%d'}}}}\n", app, port))
	w.write(t, "docker-compose.yml", fmt.Sprintf("services: {web: {build: ., ports: ['%d:80']}}\n", port))
	split, err := config.SplitCompose(app, []byte(fmt.Sprintf("services: {web: {build: ., ports: ['%d:80']}}\n", port)))
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, "docker-compose.shared.yml", strings.ReplaceAll(split.Shared, "${NGINX_IMAGE:-nginx:1.28}", image))
	w.commitTo(t, "a.txt", "1", "First")
	// nginx's workers run as another user and have to get at their sockets.
	if err := os.Chmod(w.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	removeShared(t, w, app)

	w.run(t, "up").want(t, exitOK, "the shared services of "+app+" run")
	w.run(t, "up", "--json").want(t, exitOK, `"edge_changed": false`)
	waitFor(t, "the edge to answer", func() bool {
		response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/", port))
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusServiceUnavailable
	})
	_, found := w.findings(t)
	for _, what := range []string{"Docker Engine", "router of " + app, "site of " + app} {
		if found[what].Verdict != findingGood {
			t.Errorf("%s: %+v", what, found[what])
		}
	}
	w.run(t, "logs").want(t, exitConflict, "nothing is live yet")
	w.run(t, "logs", "blue").want(t, exitOK)
	w.run(t, "logs", "--since", "yesterday").want(t, exitInput, "--since takes")
}

// removeShared removes the shared services when the test ends.
func removeShared(t *testing.T, w *workplace, app string) {
	t.Helper()
	cfg, err := config.Load(w.dir + "/verdigris.yml")
	if err != nil {
		t.Fatal(err)
	}
	engine, err := compose.Connect(t.Context())
	if err != nil {
		missing(t, err.Error())
	}
	p, err := assemble(cfg, cfg.Apps[app], engine, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		defer engine.Close()
		// The test's own context is over by now.
		if err := p.runtime.StopShared(context.Background(), func(string) {}); err != nil {
			t.Errorf("remove the shared services: %v", err)
		}
	})
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
