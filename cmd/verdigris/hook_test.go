package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"verdigris/deploy"
	"verdigris/webhooks"
)

// commitTo makes a commit in a git repository in the workplace's folder and returns its id.
func (w *workplace) commitTo(t *testing.T, name, text, message string) deploy.Commit {
	t.Helper()
	w.write(t, name, text)
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"add", name},
		{"-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "-q", "-m", message}} {
		if out, err := exec.Command("git", append([]string{"-C", w.dir}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args[0], err, out)
		}
	}
	out, err := exec.Command("git", "-C", w.dir, "rev-parse", "HEAD").Output()
	if err != nil {
		t.Fatal(err)
	}
	return deploy.Commit(strings.TrimSpace(string(out)))
}

func TestHookSendDeliversASignedPushOfTheHead(t *testing.T) {
	w := newWorkplace(t)
	first := w.commitTo(t, "a.txt", "1", "First")
	head := w.commitTo(t, "b.txt", "2", "Add b\n\nbecause")

	receiver, err := webhooks.NewGitHub("sesame")
	if err != nil {
		t.Fatal(err)
	}
	var got deploy.Push
	hooks := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		delivery, err := receiver.Receive(r.Header, body)
		if err != nil || r.URL.Path != "/webhooks/github/shop" {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		got = delivery.Push
		reply(rw, http.StatusAccepted, delivered{Result: "accepted", Deployment: ended(deploy.StateQueued, nil)})
	}))
	t.Cleanup(hooks.Close)
	w.serveDeployment(ended(deploy.StateSucceeded, nil))
	t.Setenv("HOOK_SECRET", "sesame")
	w.write(t, "verdigris.yml", "server: {listen: '"+strings.TrimPrefix(hooks.URL, "http://")+"'}\n"+
		"apps: {shop: {repository: {url: .}, web: {port: 80}, webhook: {github: {secrets: [{env: HOOK_SECRET}]}}}}\n")

	w.run(t, "hook", "send").want(t, exitOK, "green is live")
	if got.Commit != head || got.Before != first || got.Branch != "main" || got.Subject != "Add b" || got.Pusher != "Ada" || strings.Join(got.Paths, " ") != "b.txt" {
		t.Errorf("the push says %+v", got)
	}
}

func TestHookSendSaysWhatIsMissing(t *testing.T) {
	w := newFolder(t, "apps: {shop: {repository: {url: .}, web: {port: 80}}}\n")
	w.run(t, "hook", "send").want(t, exitInput, "apps.shop.webhook.github is not in the configuration")
}
