package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"verdigris/deploy"
	"verdigris/internal/testkit"
	"verdigris/webhooks"
)

// try makes a request of the API over the unix socket.
func (s *site) try(method, path, body string) (int, string) {
	request, err := http.NewRequest(method, "http://verdigris"+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	return answer(s.api.Do(request))
}

func answer(response *http.Response, err error) (int, string) {
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(content)
}

// ask makes a request that must be answered with the status, and decodes the answer into out unless that is nil.
func (s *site) ask(method, path, body string, want int, out any) {
	s.t.Helper()
	status, content := s.try(method, path, body)
	if status != want {
		s.t.Fatalf("%s %s: status %d, want %d: %s", method, path, status, want, content)
	}
	if out != nil {
		if err := json.Unmarshal([]byte(content), out); err != nil {
			s.t.Fatalf("%s %s: %v: %s", method, path, err, content)
		}
	}
}

// status is how the app stands.
func (s *site) status() (status deploy.Status) {
	s.t.Helper()
	s.ask(http.MethodGet, "/status", "", http.StatusOK, &status)
	return status
}

// deployments are the newest ones, the newest first.
func (s *site) deployments() (all []deploy.Deployment) {
	s.t.Helper()
	s.ask(http.MethodGet, "/deployments", "", http.StatusOK, &all)
	return all
}

// order posts an operation and returns how it ended.
func (s *site) order(path, body string) deploy.Deployment {
	s.t.Helper()
	var d deploy.Deployment
	s.ask(http.MethodPost, path, body, http.StatusAccepted, &d)
	return s.ended(d.ID)
}

// ended waits until a deployment has ended. Its stream of events ends then, so that nobody has to ask all the time.
func (s *site) ended(id int64) (d deploy.Deployment) {
	s.t.Helper()
	testkit.Within(s.t, 2*time.Minute, fmt.Sprintf("deployment %d ends", id), func() error {
		s.try(http.MethodGet, fmt.Sprintf("/deployments/%d/events", id), "")
		s.ask(http.MethodGet, fmt.Sprintf("/deployments/%d", id), "", http.StatusOK, &d)
		if !d.State.Ended() {
			return fmt.Errorf("it is %s", d.State)
		}
		return nil
	})
	return d
}

// want fails unless a deployment ended in the state.
func (s *site) want(d deploy.Deployment, state deploy.State) deploy.Deployment {
	s.t.Helper()
	if d.State != state {
		failure, _ := json.MarshalIndent(d.Error, "", "  ")
		s.t.Fatalf("deployment %d of %s: %s, want %s: %s", d.ID, d.Commit.Short(), d.State, state, failure)
	}
	return d
}

// deliver sends a push as GitHub does and returns the answer.
func (s *site) deliver(commit, delivery string) (int, string) {
	s.t.Helper()
	return s.deliverSigned(commit, delivery, s.secret)
}

func (s *site) deliverSigned(commit, delivery, secret string) (int, string) {
	s.t.Helper()
	body, err := webhooks.NewPush(webhooks.SamplePush{
		Repository: "someone/" + s.app, Ref: "refs/heads/main", After: deploy.Commit(commit),
		Commits: []webhooks.SampleCommit{{ID: deploy.Commit(commit), Message: "a change", Added: []string{"app/gallery"}}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodPost, "http://127.0.0.1:"+s.ports["api"]+"/webhooks/github", bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header = webhooks.NewDelivery("push", "application/json", secret, body)
	if delivery != "" {
		request.Header.Set("X-GitHub-Delivery", delivery)
	}
	return answer((&http.Client{Timeout: 20 * time.Second}).Do(request))
}

// push delivers a commit and returns how its deployment ended.
func (s *site) push(commit string) deploy.Deployment {
	s.t.Helper()
	return s.ended(s.pushed(commit))
}

// pushed delivers a commit and returns the number of its deployment.
func (s *site) pushed(commit string) int64 {
	s.t.Helper()
	status, body := s.deliver(commit, "")
	if status != http.StatusAccepted {
		s.t.Fatalf("push of %s: status %d: %s", commit, status, body)
	}
	var accepted struct{ Deployment deploy.Deployment }
	if err := json.Unmarshal([]byte(body), &accepted); err != nil || accepted.Deployment.ID == 0 {
		s.t.Fatalf("push of %s: %v: %s", commit, err, body)
	}
	return accepted.Deployment.ID
}

// blueLive brings the first version live.
func (s *site) blueLive() *site {
	s.t.Helper()
	s.want(s.order("/deploy/auto", `{"promote":true}`), deploy.StateSucceeded)
	return s
}

func (s *site) edge(path string) string { return "http://127.0.0.1:" + s.ports["edge"] + path }

// answersAgain waits until the edge answers.
func (s *site) answersAgain() {
	s.t.Helper()
	testkit.Within(s.t, time.Minute, "the site answers again", func() error {
		if status, body := answer(http.Get(s.edge("/health"))); status != http.StatusOK {
			return fmt.Errorf("status %d: %s", status, body)
		}
		return nil
	})
}

// serves fails unless the edge answers from the slice.
func (s *site) serves(slice deploy.Slice) {
	s.t.Helper()
	response, err := http.Get(s.edge("/health"))
	if err != nil {
		s.t.Fatalf("the site does not answer: %v", err)
	}
	defer response.Body.Close()
	if got := response.Header.Get("X-Verdigris-Slice"); response.StatusCode != http.StatusOK || got != string(slice) {
		s.t.Fatalf("the site answers %d from %q, want 200 from %s", response.StatusCode, got, slice)
	}
}

// redis returns a client of a slice's redis.
func (s *site) redis(slice deploy.Slice) *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + s.ports["redis-"+string(slice)]})
	s.t.Cleanup(func() { c.Close() })
	return c
}
