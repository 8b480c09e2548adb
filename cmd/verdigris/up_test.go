package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"verdigris/compose"
	"verdigris/config"
	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// upFolder has an app with a shared compose file whose services are removed when the test ends, and ports of its own.
func upFolder(t *testing.T, app string) (w *workplace, edge, listen string) {
	t.Helper()
	image, port := testkit.Image(t, "NGINX_IMAGE"), testkit.FreePort(t)
	edge, listen = fmt.Sprintf("http://127.0.0.1:%d", port), fmt.Sprintf("127.0.0.1:%d", testkit.FreePort(t))
	w = newFolder(t, fmt.Sprintf(`server: {listen: '%s'}
apps:
  %s:
    repository: {url: .}
    web: {port: 80}
    router: {edge: {url: '%s'}}
    webhook: {github: {secrets: [{file: secret}]}}
`, listen, app, edge))
	w.write(t, "secret", "sesame")
	split, err := config.SplitCompose(app, fmt.Appendf(nil, "services: {web: {build: ., ports: ['%d:80']}}\n", port))
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, "docker-compose.shared.yml", strings.ReplaceAll(split.Shared, "${NGINX_IMAGE:-nginx:1.28}", image))
	w.commitTo(t, "a.txt", "1", "First")
	removeShared(t, w, app)
	return w, edge, listen
}

func TestUpStartsTheSharedServicesAndDoctorSeesThem(t *testing.T) {
	app := fmt.Sprintf("vdup%d", os.Getpid())
	w, edge, _ := upFolder(t, app)

	w.run(t, "up").want(t, exitOK, "the shared services of "+app+" run")
	w.run(t, "up", "--json").want(t, exitOK, `"edge_changed": false`)
	response, err := http.Get(edge) // up has waited for it
	testkit.Must(t, err)
	response.Body.Close()
	if response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the edge answers %s", response.Status)
	}
	_, found := w.findings(t)
	for _, what := range []string{"Docker Engine", "router of " + app, "site of " + app} {
		if found[what].Verdict != findingGood {
			t.Errorf("%s: %+v", what, found[what])
		}
	}
	w.run(t, "logs").want(t, exitConflict, "nothing is live yet")
	w.run(t, "logs", "blue").want(t, exitConflict, "slice blue has no containers", "verdigris deploy blue")
	w.run(t, "logs", "purple").want(t, exitInput, `there is no slice "purple"`, "or shared")
	w.run(t, "logs", "shared", "--service", "nope").want(t, exitInput, "has no service nope; it has edge, router")
	w.run(t, "logs", "shared", "--service", "router").want(t, exitOK)
	w.run(t, "logs", "blue", "--tail", "-1").want(t, exitInput, "--tail takes")
	w.run(t, "logs", "--since", "yesterday").want(t, exitInput, "--since takes")
}

func TestUp_RouterDoesNotAnswer_SaysSoAndWhereToLook(t *testing.T) {
	app := fmt.Sprintf("vdmute%d", os.Getpid())
	w, _, _ := upFolder(t, app)
	w.write(t, "verdigris.yml", strings.Replace(testkit.Read(t, w.dir+"/verdigris.yml"), "    web:", "    timeouts: {start: 4s}\n    web:", 1))
	shared := w.dir + "/docker-compose.shared.yml"
	testkit.Write(t, shared, strings.NewReplacer(
		"exec nginx -c /etc/verdigris/router.conf", "exec sleep 60; exec nginx -c /etc/verdigris/router.conf",
		"restart: unless-stopped", "restart: unless-stopped\n    stop_grace_period: 0s",
	).Replace(testkit.Read(t, shared)))
	w.run(t, "up").want(t, exitFailed, "wait for the router", "the router does not answer", "verdigris logs shared --service router --app "+app)
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
		testkit.Missing(t, "no Docker Engine answers: %v", err)
	}
	p, err := assemble(cfg, cfg.Apps[app], engine, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		defer engine.Close()
		// The test's own context is over by now.
		if err := p.runtime.StopShared(context.Background(), func(string, ...deploy.Step) {}); err != nil {
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
