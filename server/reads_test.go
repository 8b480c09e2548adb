package server_test

import (
	"net/http"
	"strings"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

func TestWhatCanBeRead(t *testing.T) {
	s := start(t)
	s.request("GET", "/status", "").want(200, `"app":"shop"`, `"live":"green"`)
	s.request("GET", "/apps/blog/status", "").want(200, `"app":"blog"`)
	s.request("GET", "/apps/nobody/status", "").want(404, "no such app")
	s.request("GET", "/apps", "").want(200, `[{"name":"shop","default":true},{"name":"blog","default":false}]`)

	var list []deploy.Deployment
	s.request("GET", "/deployments?limit=2", "").want(200).decode(&list)
	if len(list) != 2 || list[0].ID != 7 || s.controller.last() != 2 {
		t.Errorf("got %+v after asking for %v", list, s.controller.last())
	}
	s.request("GET", "/apps/blog/deployments", "").want(200, `"app":"blog"`)
	for _, limit := range []string{"0", "-1", "501", "many", "1e2"} {
		s.request("GET", "/deployments?limit="+limit, "").want(400, "1 to 500")
	}

	var d deploy.Deployment
	s.request("GET", "/deployments/7", "").want(200).decode(&d)
	if d.Error == nil || len(d.Phases) != 2 || d.Commit != commitA {
		t.Errorf("got %+v", d)
	}
	s.request("GET", "/apps/shop/deployments/7", "").want(200)
	s.request("GET", "/apps/blog/deployments/7", "").want(404, "no such deployment")
	for _, id := range []string{"99", "0", "-7", "x", "7x", "99999999999999999999"} {
		s.request("GET", "/deployments/"+id, "").want(404, "no such deployment")
	}
}

func TestTheDefaultAppCanBeChosen(t *testing.T) {
	s := start(t, func(s *service) { s.DefaultApp = "blog" })
	s.request("GET", "/status", "").want(200, `"app":"blog"`)
	s.request("GET", "/apps", "").want(200, `{"name":"blog","default":true}`)
}

func TestRequestIDsAreKeptWhenTheyAreSane(t *testing.T) {
	s := start(t)
	if got := s.request("GET", "/health", "", "X-Request-Id: edge-1.a_B").want(200).Header.Get("X-Request-Id"); got != "edge-1.a_B" {
		t.Errorf("got %q", got)
	}
	for _, id := range []string{"", "a b", `a"b`, "é", strings.Repeat("a", 65)} {
		got := s.request("GET", "/health", "", "X-Request-Id: "+id).Header.Get("X-Request-Id")
		if got == id || len(got) != 24 {
			t.Errorf("%q became %q", id, got)
		}
	}
}

func TestNoSecretIsInTheLog(t *testing.T) {
	s := start(t)
	s.request("GET", "/status?token=topsecret", "").want(200)
	s.request("GET", "/status", "", "Authorization: Bearer topsecret").want(http.StatusUnauthorized)
	testkit.Eventually(t, "both requests are logged", func() bool { return strings.Count(s.log.String(), `"path":"/status"`) == 2 })
	if log := s.log.String(); strings.Contains(log, "topsecret") || strings.Contains(log, goodToken) || !strings.Contains(log, `"who":"ada"`) {
		t.Errorf("the access log: %s", log)
	}
}

func TestAPathThatIsNoRouteIsAProblemToo(t *testing.T) {
	s := start(t)
	s.request("GET", "/nothing/here", "").want(404, "nothing at this path", `"type":"urn:verdigris:problem:not-found"`)
	s.request("GET", "/apps/%2e%2e/status", "").want(404)
}
