package server_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
)

func TestWhatNeedsAToken(t *testing.T) {
	for name, c := range map[string]struct {
		public     bool
		method     string
		path       string
		withoutOne int
	}{
		"a deployment":              {false, "POST", "/deploy/green", 401},
		"a switch":                  {false, "POST", "/switch", 401},
		"a rollback":                {false, "POST", "/rollback", 401},
		"a stop":                    {false, "POST", "/stop/blue", 401},
		"a deployment of an app":    {false, "POST", "/apps/blog/deploy/green", 401},
		"the status":                {false, "GET", "/status", 401},
		"the deployments":           {false, "GET", "/deployments", 401},
		"one deployment":            {false, "GET", "/deployments/7", 401},
		"the events":                {false, "GET", "/deployments/7/events", 401},
		"the apps":                  {false, "GET", "/apps", 401},
		"the metrics":               {false, "GET", "/metrics", 401},
		"health":                    {false, "GET", "/health", 200},
		"readiness":                 {false, "GET", "/ready", 200},
		"the description":           {false, "GET", "/openapi.json", 200},
		"the status in public":      {true, "GET", "/status", 200},
		"the metrics in public":     {true, "GET", "/metrics", 200},
		"a switch in public":        {true, "POST", "/switch", 401},
		"a stop of an app publicly": {true, "POST", "/apps/shop/stop/blue", 401},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, func(s *service) { s.PublicRead = c.public })
			a := s.request(c.method, c.path, "", "Authorization:").want(c.withoutOne)
			if got := a.Header.Get("WWW-Authenticate"); c.withoutOne == 401 && got != `Bearer realm="verdigris"` {
				t.Errorf("WWW-Authenticate is %q", got)
			}
			if c.withoutOne == 401 && s.controller.last() != nil {
				t.Errorf("the controller was asked for %+v", s.controller.last())
			}
		})
	}
}

func TestOnlyTheHeaderCarriesAToken(t *testing.T) {
	s := start(t)
	for _, wrong := range []string{"Authorization: Bearer nope", "Authorization: Bearer", "Authorization: Basic " + goodToken,
		"Authorization: " + goodToken, "Cookie: token=" + goodToken, "X-Token: " + goodToken} {
		s.request("POST", "/switch?token="+goodToken+"&access_token="+goodToken, "", "Authorization:", wrong).want(http.StatusUnauthorized)
	}
	s.request("POST", "/switch", "", "Authorization: bearer "+goodToken).want(http.StatusAccepted) // schemes have no case: RFC 9110, section 11.1
}

func TestTheLocalSocketNeedsNoToken(t *testing.T) {
	s := start(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://verdigris/rollback", nil)
	check(t, err)
	s.do(s.local, r).want(http.StatusAccepted)
	if got := s.controller.last().(rolledBack).trigger.Who; got != "local socket" {
		t.Errorf("asked by %q", got)
	}
}

func TestWithoutAVerifierNoTokenOpens(t *testing.T) {
	s := start(t, func(s *service) { s.Verify = nil })
	s.request("GET", "/status", "").want(http.StatusUnauthorized)
}

func TestAJournalThatCannotBeAskedIsNoWrongToken(t *testing.T) {
	s := start(t, func(s *service) {
		s.Verify = func(context.Context, string) (string, bool, error) { return "", true, errors.New("disk on fire") }
	})
	if a := s.request("GET", "/status", "").want(http.StatusInternalServerError); strings.Contains(string(a.body), "fire") {
		t.Errorf("internals are in the answer: %s", a.body)
	}
}

func TestWrongTokensAreSlowedDownAndGoodOnesAreNot(t *testing.T) {
	asked := 0
	s := start(t, func(s *service) {
		verify := s.Verify
		s.Verify = func(ctx context.Context, token string) (string, bool, error) { asked++; return verify(ctx, token) }
	})
	s.request("GET", "/apps", "").want(200)
	for range 10 {
		s.request("GET", "/apps", "", "Authorization: Bearer nope").want(http.StatusUnauthorized)
	}
	before := asked
	a := s.request("GET", "/apps", "", "Authorization: Bearer nope").want(http.StatusTooManyRequests)
	if a.Header.Get("Retry-After") == "" || asked != before {
		t.Errorf("Retry-After %q, and the token was looked up %d times", a.Header.Get("Retry-After"), asked-before)
	}
	s.request("GET", "/apps", "").want(200)
}
