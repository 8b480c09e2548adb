package webhooks

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"verdigris/deploy"
)

func samplePush() SamplePush {
	return SamplePush{
		Repository: "acme/gallery", Ref: "refs/heads/main", Before: baseCommit, After: firstCommit, Pusher: "mona",
		Commits: []SampleCommit{{
			ID: firstCommit, Message: "Paint it green\n\nAll of it.", Author: "Mona Lisa", Email: "mona@acme.example",
			Time: time.Date(2026, 11, 20, 16, 0, 0, 0, time.UTC), Modified: []string{"main.go"},
		}},
	}
}

func TestSamplePushHasEveryFieldThatGitHubSends(t *testing.T) {
	sample, err := NewPush(samplePush())
	if err != nil {
		t.Fatal(err)
	}
	got := fields(t, sample)
	for _, field := range fields(t, testdata(t, "push.json")) {
		// The sample is of a repository without a licence.
		if !slices.Contains(got, field) && !strings.HasPrefix(field, ".repository.license.") {
			t.Errorf("the sample has no field %s", field)
		}
	}
}

func TestSamplePushIsReceivedAsWhatItSays(t *testing.T) {
	body, err := NewPush(samplePush())
	if err != nil {
		t.Fatal(err)
	}
	p := mustReceive(t, "push", plain, body).Push
	if p.Branch != "main" || p.Commit != firstCommit || p.Before != baseCommit || p.Subject != "Paint it green" ||
		p.Pusher != "mona" || !p.PathsKnown || !slices.Equal(p.Paths, []string{"main.go"}) {
		t.Errorf("push is %+v", p)
	}
}

func TestSamplePushOfANewBranchAndOfADeletion(t *testing.T) {
	s := samplePush()
	s.Before, s.Commits = "", nil
	created, err := NewPush(s)
	if err != nil {
		t.Fatal(err)
	}
	if p := mustReceive(t, "push", plain, created).Push; p.Before != zeroCommit || p.PathsKnown || p.Deleted {
		t.Errorf("new branch: push is %+v", p)
	}
	s = samplePush()
	s.After = zeroCommit
	deleted, err := NewPush(s)
	if err != nil {
		t.Fatal(err)
	}
	if p := mustReceive(t, "push", plain, deleted).Push; !p.Deleted || p.Subject != "" {
		t.Errorf("deletion: push is %+v", p)
	}
}

func TestSamplePushRefusesWhatNoForgeWouldSend(t *testing.T) {
	for _, change := range []func(*SamplePush){
		func(s *SamplePush) { s.Repository = "gallery" },
		func(s *SamplePush) { s.Repository = "a/b/c" },
		func(s *SamplePush) { s.Ref = "main" },
		func(s *SamplePush) { s.After = "" },
		func(s *SamplePush) { s.After = deploy.Commit("HEAD") },
	} {
		s := samplePush()
		change(&s)
		if _, err := NewPush(s); err == nil {
			t.Errorf("a payload was made of %+v", s)
		}
	}
}

func TestEveryDeliveryHasAnIDOfItsOwn(t *testing.T) {
	a, b := NewDelivery("push", plain, secret, nil), NewDelivery("push", plain, secret, nil)
	if id := a.Get("X-GitHub-Delivery"); id == b.Get("X-GitHub-Delivery") || len(id) != 36 {
		t.Errorf("ids are %s and %s", id, b.Get("X-GitHub-Delivery"))
	}
}

// fields lists the paths of all fields of a JSON document, those in a list by its first item.
func fields(t *testing.T, document []byte) []string {
	t.Helper()
	var v any
	if err := json.Unmarshal(document, &v); err != nil {
		t.Fatal(err)
	}
	var all []string
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, value := range v {
				all = append(all, path+"."+name)
				walk(path+"."+name, value)
			}
		case []any:
			if len(v) > 0 {
				walk(path+"[]", v[0])
			}
		}
	}
	walk("", v)
	return all
}
