package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"verdigris/internal/testkit"
)

func TestServeAnswersUntilItIsStopped(t *testing.T) {
	app := fmt.Sprintf("vdserve%d", os.Getpid())
	w, edge, listen := upFolder(t, app)
	w.run(t, "up").want(t, exitOK)

	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan result, 1)
	go func() { ended <- w.runContext(ctx, "serve", "--log-format", "json") }()
	t.Cleanup(stop)
	waitFor(t, "verdigris to serve", func() bool { return w.run(t, "status").code == exitOK })

	w.run(t, "status").want(t, exitOK, "blue    idle", "green   idle")
	w.run(t, "rollback").want(t, exitConflict, "there is no previous slice")
	w.run(t, "switch", "blue").want(t, exitConflict, "blue is not running")
	w.run(t, "history").want(t, exitOK, "ID")
	w.run(t, "history", "99").want(t, exitInput, "there is no such deployment")
	w.run(t, "hook", "send", "--branch", "elsewhere", "--commit", "HEAD").want(t, exitOK, `ignored: branch "elsewhere" is not one that deploys`)
	w.run(t, "serve").want(t, exitConflict, "runs already with the state folder", fmt.Sprintf("process %d", os.Getpid()), "set another state_dir")
	// Neither another socket and address nor another path to the folder make two of it.
	testkit.Must(t, os.Symlink(".verdigris", filepath.Join(w.dir, "elsewhere")))
	own := fmt.Sprintf("server: {listen: '%s'", listen)
	w.write(t, "other.yml", strings.Replace(testkit.Read(t, w.dir+"/verdigris.yml"), own,
		fmt.Sprintf("state_dir: elsewhere\nserver: {socket: other.sock, listen: '%s'", testkit.FreeAddress(t)), 1))
	w.run(t, "serve", "--config", filepath.Join(w.dir, "other.yml")).want(t, exitConflict, "runs already with the state folder")

	w.run(t, "status", "--server", "http://"+listen).want(t, exitInput, "a token is needed")
	w.write(t, "token", w.run(t, "token", "create", "test").out)
	w.run(t, "status", "--server", "http://"+listen, "--token-file", filepath.Join(w.dir, "token")).want(t, exitOK, "blue    idle")
	_, found := w.findings(t)
	for _, what := range []string{"verdigris serve", "site of " + app} {
		if found[what].Verdict != findingGood {
			t.Errorf("%s (%s): %+v", what, edge, found[what])
		}
	}

	testkit.Must(t, syscall.Kill(os.Getpid(), syscall.SIGHUP)) // which does not end it; its log is looked at below

	// A release without the slices' compose files is refused, and nothing is half-made.
	w.run(t, "deploy", "--switch").want(t, exitAborted, "docker-compose.blue.yml", "nothing is live yet")

	stop()
	r := <-ended
	r.want(t, exitOK, `"msg":"serving"`, "SIGHUP changes nothing", `"msg":"stopped"`)
	if strings.Contains(r.err, "sesame") {
		t.Error("the secret is in the log")
	}
	w.run(t, "status").want(t, exitNoDaemon)
}

func TestServeRefusesWhatCannotWork(t *testing.T) {
	w := newFolder(t, "apps: {shop: {repository: {url: .}, web: {port: 80}, webhook: {github: {secrets: [{env: NOT_SET_AT_ALL}]}}}}\n")
	w.run(t, "serve").want(t, exitInput, "NOT_SET_AT_ALL is not set", "docker-compose.shared.yml, which is not there")
	w.run(t, "serve", "--log-format", "xml").want(t, exitInput, "--log-format is text or json")
	w.run(t, "serve", "--log-level", "loud").want(t, exitInput, "--log-level is debug, info, warn or error")
}
