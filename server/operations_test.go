package server_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"verdigris/deploy"
)

func TestOperationsReachTheController(t *testing.T) {
	s := start(t)
	ada := deploy.Trigger{By: "api", Who: "ada"}
	for _, c := range []struct {
		path, body string
		want       any
	}{
		{"/deploy/auto", "", deployed{"shop", deploy.DeployRequest{Trigger: ada}}},
		{"/deploy/green", `{}`, deployed{"shop", deploy.DeployRequest{Slice: deploy.Green, Trigger: ada}}},
		{"/deploy/staging", `{"commit":"` + strings.ToUpper(string(commitA)) + `","rebuild":true,"promote":true}`,
			deployed{"shop", deploy.DeployRequest{Slice: deploy.Staging, Commit: commitA, Rebuild: true, Promote: true, Trigger: ada}}},
		{"/apps/blog/deploy/blue", "", deployed{"blog", deploy.DeployRequest{Slice: deploy.Blue, Trigger: ada}}},
		{"/switch", "", switched{"shop", deploy.SwitchRequest{Trigger: ada}}},
		{"/switch", `{"to":"green"}`, switched{"shop", deploy.SwitchRequest{To: deploy.Green, Trigger: ada}}},
		{"/apps/blog/switch", `{"to":"blue"}`, switched{"blog", deploy.SwitchRequest{To: deploy.Blue, Trigger: ada}}},
		{"/rollback", "", rolledBack{"shop", ada}},
		{"/apps/blog/rollback", "", rolledBack{"blog", ada}},
	} {
		a := s.request("POST", c.path, c.body).want(http.StatusAccepted)
		if got := s.controller.last(); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s %s: asked for %+v, want %+v", c.path, c.body, got, c.want)
		}
		if a.Header.Get("Location") != "/deployments/8" {
			t.Errorf("%s: Location is %q", c.path, a.Header.Get("Location"))
		}
	}
	s.request("POST", "/stop/blue", "").want(http.StatusNoContent)
	s.request("POST", "/apps/blog/stop/staging", "").want(http.StatusNoContent)
	if got := s.controller.last(); got != (stopped{"blog", deploy.Staging}) {
		t.Errorf("asked for %+v", got)
	}
}

func TestADryRunOfASwitchQueuesNothing(t *testing.T) {
	s := start(t)
	ada := deploy.Trigger{By: "api", Who: "ada"}
	s.request("POST", "/switch?dry_run=true", `{"to":"green"}`).want(http.StatusOK, `"estimated_hold_ms":48`, `"in_flight":-1`)
	if got := s.controller.last(); got != (planned{"shop", deploy.SwitchRequest{To: deploy.Green, Trigger: ada}}) {
		t.Errorf("asked for %+v", got)
	}
	s.request("POST", "/apps/blog/switch?dry_run=1", "").want(http.StatusOK)
	if got := s.controller.last(); got != (planned{"blog", deploy.SwitchRequest{Trigger: ada}}) {
		t.Errorf("asked for %+v", got)
	}
	for _, value := range []string{"", "yes", "True%20"} {
		s.request("POST", "/switch?dry_run="+value, "").want(http.StatusBadRequest, "dry_run takes true or false")
	}
	s.request("POST", "/switch?dry_run=false", "").want(http.StatusAccepted)
	s.controller.err = &deploy.ConflictError{Reason: "green is live already"}
	s.request("POST", "/switch?dry_run=true", "").want(http.StatusConflict, "live already")
}

func TestAnOptionThatIsMisspeltInTheURLChangesNothing(t *testing.T) {
	s := start(t)
	for _, path := range []string{
		"/switch?dry-run=true", "/switch?dry_run=%zz", "/switch?dry_run=true;", "/switch?dry_run=false&dry_run=true", "/switch?dry_run=true&to=green",
		"/rollback?dry_run=true", "/deploy/auto?dry_run=true", "/stop/blue?dry_run=true",
	} {
		s.request("POST", path, "").want(http.StatusBadRequest, "the URL")
	}
	s.request("PUT", "/mirroring?app=blog", `{"on":true}`).want(http.StatusBadRequest, "app")
	if got := s.controller.last(); got != nil {
		t.Errorf("asked for %+v", got)
	}
}

func TestOurCommandLineIsToldApart(t *testing.T) {
	s := start(t)
	s.request("POST", "/rollback", "", "User-Agent: verdigris/1.0").want(http.StatusAccepted)
	if got := s.controller.last(); got != (rolledBack{"shop", deploy.Trigger{By: "cli", Who: "ada"}}) {
		t.Errorf("asked for %+v", got)
	}
}

func TestWrongRequestsDoNotReachTheController(t *testing.T) {
	s := start(t)
	for _, c := range []struct {
		path, body string
		status     int
		text       string
	}{
		{"/deploy/red", "", 404, "the slices are blue, green and staging"},
		{"/stop/auto", "", 404, "auto"},
		{"/deploy/green", `{"commmit":"x"}`, 400, "commmit"},
		{"/deploy/green", `{"commit":"main"}`, 400, "not a full commit id"},
		{"/deploy/green", `{"commit":"--upload-pack=x"}`, 400, "not a full commit id"},
		{"/deploy/green", `{"rebuild":"yes"}`, 400, "rebuild"},
		{"/deploy/green", `[1]`, 400, "JSON object"},
		{"/deploy/green", `{"rebuild":true`, 400, "JSON"},
		{"/deploy/green", `{} {}`, 400, "more than one"},
		{"/deploy/green", `{}x`, 400, "more than one"},
		{"/switch", `{"to":"red"}`, 400, "the slices are"},
		{"/switch", `to=green`, 400, "JSON"},
		{"/rollback", `{"to":"blue"}`, 400, "to"},
		{"/deploy/green", `{"commit":"` + strings.Repeat("a", 1<<20) + `"}`, 413, "larger"},
		{"/deploy/green", `{}` + strings.Repeat(" ", 1<<20), 413, "larger"},
		{"/deploy", "", 404, "nothing at this path"},
	} {
		s.request("POST", c.path, c.body).want(c.status, c.text)
	}
	s.request("GET", "/deploy/green", "").want(http.StatusMethodNotAllowed, "method-not-allowed")
	if got := s.controller.last(); got != nil {
		t.Errorf("the controller was asked for %+v", got)
	}
}

func TestErrorsBecomeAnswers(t *testing.T) {
	for _, c := range []struct {
		err        error
		status     int
		detail     string
		next       string
		retryAfter string
	}{
		{&deploy.InputError{Reason: "staging never takes production traffic"}, 400, "staging never", "", ""},
		{fmt.Errorf("find the head: %w", deploy.ErrUnknownRef), 400, "branch or tag", "repository.branch", ""},
		{deploy.ErrUnknownCommit, 400, "that commit", "push", ""},
		{fmt.Errorf("app %q: %w", "x", deploy.ErrUnknownApp), 404, "no such app", "/apps", ""},
		{fmt.Errorf("deployment 9: %w", deploy.ErrUnknownDeployment), 404, "no such deployment", "", ""},
		{&deploy.ConflictError{Reason: "green is live", Next: "deploy to blue"}, 409, "green is live", "deploy to blue", ""},
		{deploy.ErrQueueFull, 503, "waiting", "try again", "30"},
		{&deploy.TooSoonError{Deployment: 7, Wait: 41 * time.Second}, 429, "deployment 7 of this push was aborted a moment ago", "verdigris history 7", "42"},
		{fmt.Errorf("ask: %w", context.DeadlineExceeded), 504, "too long", "", ""},
		{errors.New("secret internals"), 500, "inside verdigris", "request_id", ""},
		{&deploy.HintedError{Err: errors.New("secret internals"), Next: "free some space"}, 500, "inside verdigris", "free some space", ""},
	} {
		s := start(t)
		s.controller.err = c.err
		a := s.request("POST", "/switch", "").want(c.status)
		var p struct {
			Type, Title, Detail, Instance, Next string
			Status                              int
			RequestID                           string `json:"request_id"`
		}
		a.decode(&p)
		if p.Status != c.status || !strings.Contains(p.Detail, c.detail) || !strings.Contains(p.Next, c.next) || p.Instance != "/switch" {
			t.Errorf("%v: got %+v", c.err, p)
		}
		if p.RequestID == "" || p.RequestID != a.Header.Get("X-Request-Id") || a.Header.Get("Retry-After") != c.retryAfter {
			t.Errorf("%v: request id %q, Retry-After %q", c.err, p.RequestID, a.Header.Get("Retry-After"))
		}
		if strings.Contains(string(a.body), "secret") {
			t.Errorf("internals are in the answer: %s", a.body)
		}
		if internal := c.status == 500; internal != strings.Contains(s.log.String(), "secret internals") {
			t.Errorf("%v: the log does not match: %s", c.err, s.log.String())
		}
	}
}

func TestAPanicEndsOneRequestOnly(t *testing.T) {
	s := start(t)
	s.controller.stop = func(context.Context, string, deploy.Slice) error { panic("boom") }
	s.request("POST", "/stop/blue", "").want(http.StatusInternalServerError)
	if log := s.log.String(); !strings.Contains(log, "panic: boom") || !strings.Contains(log, "operations_test.go") {
		t.Errorf("the log does not say where it came from: %s", log)
	}
	s.request("GET", "/health", "").want(http.StatusOK)
}
