package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

func TestMistakesInTheCommandLineEndWith2(t *testing.T) {
	w := newFolder(t, "apps: {shop: {repository: {url: .}, web: {port: 80}}}\n")
	for name, args := range map[string][]string{
		"an unknown command":      {"deplay"},
		"an unknown subcommand":   {"config", "chek"},
		"another":                 {"token", "creat", "ci"},
		"one more":                {"hook", "snd"},
		"and one":                 {"bench", "cutovr"},
		"an unknown flag":         {"status", "--jsn"},
		"too many arguments":      {"deploy", "blue", "green"},
		"a slice that is none":    {"deploy", "purple"},
		"a commit that is short":  {"deploy", "--commit", "abc123"},
		"an app that is none":     {"status", "--app", "shp"},
		"a server that is none":   {"status", "--server", "ftp://x"},
		"a deployment of letters": {"history", "last", "--server", "http://127.0.0.1:1"},
	} {
		t.Run(name, func(t *testing.T) { w.run(t, args...).want(t, exitInput, "error: ") })
	}
}

func TestWithoutADaemonTheExitCodeIs4AndTheNextStepIsSaid(t *testing.T) {
	w := newFolder(t, "apps: {shop: {repository: {url: .}, web: {port: 80}}}\n")
	w.run(t, "status").want(t, exitNoDaemon, "cannot reach verdigris at "+filepath.Join(w.dir, ".verdigris/verdigris.sock"), "verdigris serve")
}

func TestAConflictEndsWith3AndTheNextStep(t *testing.T) {
	w := newWorkplace(t)
	w.mux.HandleFunc("POST /apps/shop/stop/blue", func(rw http.ResponseWriter, r *http.Request) {
		problem(rw, http.StatusConflict, "blue is live", "switch to green first")
	})
	w.run(t, "stop", "blue").want(t, exitConflict, "error: blue is live", "next:  switch to green first")

	var told struct {
		Error struct {
			Message, Next string
			Code          int
		}
	}
	r := w.run(t, "stop", "blue", "--json")
	if err := json.Unmarshal([]byte(r.out), &told); err != nil || told.Error.Code != 3 || told.Error.Message != "blue is live" || told.Error.Next != "switch to green first" {
		t.Errorf("got %q, %v", r.out, err)
	}
}

func TestARemoteServerIsGivenTheToken(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer sesame" {
			problem(rw, http.StatusUnauthorized, "a token is needed", "")
			return
		}
		reply(rw, http.StatusOK, map[string]any{"app": "shop", "live": "blue", "slices": []any{map[string]any{"slice": "blue"}}})
	}))
	t.Cleanup(server.Close)
	w := newFolder(t, "this is not read: [")
	w.run(t, "status", "--server", server.URL).want(t, exitInput, "a token is needed", "verdigris token create")

	w.write(t, "token", "sesame\n")
	w.run(t, "status", "--server", server.URL, "--token-file", filepath.Join(w.dir, "token")).want(t, exitOK, "blue    live")

	t.Setenv("VERDIGRIS_TOKEN", "sesame")
	w.run(t, "status", "--server", server.URL).want(t, exitOK, "blue    live")
}

func TestConfigCheckNamesAllMistakes(t *testing.T) {
	w := newFolder(t, "apps: {shop: {repositry: {url: .}, web: {port: 80}}}\n")
	w.run(t, "config", "check").want(t, exitInput, `repositry is not a field; did you mean "repository"?`, "repository.url is missing")

	w.write(t, "verdigris.yml", "apps: {shop: {repository: {url: .}, web: {port: 80}}}\n")
	w.run(t, "config", "check").want(t, exitInput, "docker-compose.shared.yml, which is not there")

	w.write(t, "docker-compose.shared.yml", "services: {}\n")
	w.run(t, "config", "check").want(t, exitOK, "verdigris.yml is good: shop")
}

func TestVersionIsSaid(t *testing.T) {
	w := newFolder(t, "")
	w.run(t, "version").want(t, exitOK, "verdigris ")
	if err := os.Remove(filepath.Join(w.dir, "verdigris.yml")); err != nil {
		t.Fatal(err)
	}
	w.run(t, "version", "--json").want(t, exitOK, `"version"`)
}
