package webhooks

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"verdigris/deploy"
)

const (
	secret = "correct horse battery staple"
	form   = "application/x-www-form-urlencoded"
	plain  = "application/json"

	baseCommit  = deploy.Commit("f448f1f715f1cb8a6d5fbed6d92c525c0ba1f0a2")
	firstCommit = deploy.Commit("9d48e7ee4b137950bc57a0c70070ec04e17d1173")
	mergeCommit = deploy.Commit("5f13f67e1e0d1e446cb89c7d786eb885ffca8dfc")
	zeroCommit  = deploy.Commit("0000000000000000000000000000000000000000")
)

// testdata holds payloads in the full shape that GitHub documents and sends.
func testdata(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func newGitHub(t testing.TB, secrets ...string) *GitHub {
	t.Helper()
	if len(secrets) == 0 {
		secrets = []string{secret}
	}
	g, err := NewGitHub(secrets...)
	if err != nil {
		t.Fatal(err)
	}
	g.Now = func() time.Time { return time.Date(2026, 11, 20, 16, 0, 0, 0, time.UTC) }
	return g
}

// receive signs the body as GitHub does and hands it to a receiver.
func receive(t testing.TB, event, contentType string, body []byte) (Delivery, error) {
	t.Helper()
	return newGitHub(t).Receive(NewDelivery(event, contentType, secret, body), body)
}

func mustReceive(t testing.TB, event, contentType string, body []byte) Delivery {
	t.Helper()
	d, err := receive(t, event, contentType, body)
	if err != nil {
		t.Fatalf("Receive: %v", err)
	}
	return d
}

func TestPushNamesCommitRefSubjectPusherAndPaths(t *testing.T) {
	for _, c := range []struct{ file, contentType string }{{"push.json", plain}, {"push.json", plain + "; charset=utf-8"}, {"push.form", form}} {
		body := testdata(t, c.file)
		header := NewDelivery("push", c.contentType, secret, body)
		header.Set("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
		d, err := newGitHub(t).Receive(header, body)
		if err != nil {
			t.Fatalf("%s: %v", c.file, err)
		}
		if d.Kind != KindPush || d.Event != "push" || d.ID != "72d3162e-cc78-11e3-81ab-4c9367dc0958" || d.Repository != "acme/gallery" {
			t.Errorf("%s: delivery is %+v", c.file, d)
		}
		paths := d.Push.Paths
		d.Push.Paths = nil
		want := deploy.Push{
			Forge: "github", Delivery: "72d3162e-cc78-11e3-81ab-4c9367dc0958", Repository: "acme/gallery",
			Ref: "refs/heads/main", Branch: "main", Commit: mergeCommit, Before: baseCommit,
			Subject: "Merge pull request #7 from acme/recent", Pusher: "mona", PathsKnown: true,
			ReceivedAt: time.Date(2026, 11, 20, 16, 0, 0, 0, time.UTC),
		}
		if !reflect.DeepEqual(d.Push, want) {
			t.Errorf("%s: push is\n%+v, want\n%+v", c.file, d.Push, want)
		}
		slices.Sort(paths)
		if got := strings.Join(paths, ","); got != "Dockerfile,README.md,docs/old plan.md,main.go,templates/recent.html" {
			t.Errorf("%s: paths are %s", c.file, got)
		}
	}
}

func TestPushesOfEveryShape(t *testing.T) {
	for _, c := range []struct {
		file string
		want func(deploy.Push) bool
	}{
		{"push_tag.json", func(p deploy.Push) bool {
			return p.Tag == "v1.2.0" && p.Branch == "" && p.Commit == mergeCommit && !p.PathsKnown
		}},
		{"push_annotated_tag.json", func(p deploy.Push) bool {
			return p.Tag == "v1.3.0" && p.Commit == mergeCommit // and not the tag object that "after" names
		}},
		{"push_deleted_branch.json", func(p deploy.Push) bool {
			return p.Deleted && p.Branch == "feature/recent" && p.Commit == zeroCommit && p.Before == firstCommit && p.Subject == ""
		}},
		{"push_forced.json", func(p deploy.Push) bool {
			return p.Forced && !p.Deleted && p.Before == mergeCommit && p.Subject == "Show the six latest pictures" && !p.PathsKnown
		}},
		{"push_new_branch.json", func(p deploy.Push) bool {
			return p.Branch == "release/2026-11" && p.Before == zeroCommit && p.Commit == mergeCommit && !p.PathsKnown
		}},
		{"push_many_commits.json", func(p deploy.Push) bool {
			return p.PathsKnown && len(p.Paths) == 41 && p.Subject == "Step 40 of the new upload page"
		}},
	} {
		t.Run(c.file, func(t *testing.T) {
			d := mustReceive(t, "push", plain, testdata(t, c.file))
			if d.Kind != KindPush || !c.want(d.Push) {
				t.Errorf("delivery is %+v", d)
			}
		})
	}
}

func TestPingIsAnsweredAndTellsWhenNoPushWillEverCome(t *testing.T) {
	body := testdata(t, "ping.json")
	if d := mustReceive(t, "ping", plain, body); d.Kind != KindPing || d.Repository != "acme/gallery" || d.Reason != "" {
		t.Errorf("ping became %+v", d)
	}
	noPush := []byte(strings.Replace(string(body), `"push"`, `"issues"`, 1))
	if d := mustReceive(t, "ping", plain, noPush); d.Kind != KindPing || !strings.Contains(d.Reason, "does not send push") {
		t.Errorf("ping of a webhook without pushes became %+v", d)
	}
}

func TestOtherEventsAndRefsAreIgnoredWithAReason(t *testing.T) {
	d := mustReceive(t, "issues", plain, []byte(`{"action":"opened"}`))
	if d.Kind != KindIgnored || !strings.Contains(d.Reason, `"issues"`) {
		t.Errorf("an issue became %+v", d)
	}
	d = mustReceive(t, "push", plain, []byte(minimalPush("refs/notes/commits")))
	if d.Kind != KindIgnored || !strings.Contains(d.Reason, "neither a branch nor a tag") || d.Push.Ref != "" {
		t.Errorf("a push of notes became %+v", d)
	}
}

func TestPushWithoutAListOfCommitsHasUnknownPaths(t *testing.T) {
	for name, fields := range map[string]string{
		"missing":           `"head_commit":null`,
		"null":              `"commits":null,"head_commit":null`,
		"empty":             `"commits":[]`,
		"commit lists none": `"commits":[{"id":"x","added":null}]`,
		"as long as it gets": `"commits":[` + strings.Repeat(`{"added":["a"]},`, githubMaxCommits-1) +
			`{"added":["a"]}]`,
		"one commit with too many files": `"commits":[{"added":["a"` + strings.Repeat(`,"b"`, githubMaxFiles-1) + `]}]`,
	} {
		d := mustReceive(t, "push", plain, []byte(minimalPush("refs/heads/main", fields)))
		if d.Push.PathsKnown || d.Push.Commit != firstCommit {
			t.Errorf("%s: push is %+v", name, d.Push)
		}
	}
}

// minimalPush is the least that is read from a push, with more fields where a test needs them.
func minimalPush(ref string, fields ...string) string {
	more := ""
	if len(fields) > 0 {
		more = "," + strings.Join(fields, ",")
	}
	return `{"ref":"` + ref + `","before":"` + string(baseCommit) + `","after":"` + string(firstCommit) + `"` + more + `}`
}

func TestHostileRefsAreData(t *testing.T) {
	for _, name := range []string{"--upload-pack=touch x", "../../x", "$(reboot)", "`id`", "a;b|c", "main'--", "日本語"} {
		d := mustReceive(t, "push", plain, []byte(minimalPush("refs/heads/"+name)))
		if d.Kind != KindPush || d.Push.Branch != name {
			t.Errorf("%q became %+v", name, d)
		}
	}
}

func TestControlCharactersOfMessagesAndNamesDoNotReachATerminal(t *testing.T) {
	body := minimalPush("refs/heads/main", `"pusher":{"name":"mo\u001b[2Jna"}`, `"head_commit":{"message":"\u001b]0;x\u0007red\r\nmore"}`)
	p := mustReceive(t, "push", plain, []byte(body)).Push
	if p.Subject != "]0;x red" || p.Pusher != "mo [2Jna" {
		t.Errorf("subject %q, pusher %q", p.Subject, p.Pusher)
	}
}

func TestBodiesThatAreNotAPushAreRefusedAs400(t *testing.T) {
	for name, c := range map[string]struct{ contentType, body, reason string }{
		"empty":               {plain, "", "not a JSON object"},
		"not JSON":            {plain, "hello", "not a JSON object"},
		"cut short":           {plain, `{"ref":"refs/heads/main"`, "not JSON"},
		"more than one value": {plain, minimalPush("refs/heads/main") + "{}", "not JSON"},
		"a list":              {plain, "[]", "not a JSON object"},
		"wrong type":          {plain, `{"ref":5}`, `field "ref" holds a JSON number`},
		"no ref":              {plain, `{}`, `"ref"`},
		"short ref":           {plain, minimalPush("main"), `"ref"`},
		"nameless branch":     {plain, minimalPush("refs/heads/"), `"ref"`},
		"ref with newline":    {plain, minimalPush(`refs/heads/a\nb`), `"ref"`},
		"endless ref":         {plain, minimalPush("refs/heads/" + strings.Repeat("a", 2000)), `"ref"`},
		"abbreviated commit":  {plain, `{"ref":"refs/heads/main","before":"` + string(zeroCommit) + `","after":"5f13f67"}`, `"after"`},
		"option as commit":    {plain, `{"ref":"refs/heads/main","before":"` + string(zeroCommit) + `","after":"--output=/etc/passwd"}`, `"after"`},
		"no before":           {plain, `{"ref":"refs/heads/main","after":"` + string(firstCommit) + `"}`, `"before"`},
		"tag without commit":  {plain, minimalPush("refs/tags/v1", `"head_commit":{}`), `"head_commit.id"`},
		"form without it":     {form, "payloads=1&x=2", "no field named payload"},
		"form with two":       {form, "payload={}&payload={}", "more than one"},
		"form badly escaped":  {form, "payload=%zz", "not well escaped"},
		"JSON sent as a form": {form, minimalPush("refs/heads/main"), "no field named payload"},
	} {
		_, err := receive(t, "push", c.contentType, []byte(c.body))
		bad, ok := errors.AsType[*PayloadError](err)
		if !ok || !strings.Contains(bad.Reason, c.reason) || bad.StatusCode() != http.StatusBadRequest {
			t.Errorf("%s: error is %T %v", name, err, err)
		}
	}
}

func TestHeadersThatGitHubAlwaysSendsAreNeeded(t *testing.T) {
	body := []byte(minimalPush("refs/heads/main"))
	for _, name := range []string{"X-GitHub-Event", "X-GitHub-Delivery"} {
		for _, value := range []string{"", "two words", strings.Repeat("a", 129)} {
			header := NewDelivery("push", plain, secret, body)
			header.Set(name, value)
			_, err := newGitHub(t).Receive(header, body)
			if bad, ok := errors.AsType[*PayloadError](err); !ok || !strings.Contains(bad.Reason, name) {
				t.Errorf("%s %q: error is %v", name, value, err)
			}
		}
	}
}

func TestOtherContentTypesAreRefusedAs415(t *testing.T) {
	for _, contentType := range []string{"", "text/plain", "multipart/form-data; boundary=x", "application/json/x"} {
		_, err := receive(t, "push", contentType, []byte(minimalPush("refs/heads/main")))
		bad, ok := errors.AsType[*MediaTypeError](err)
		if !ok || bad.StatusCode() != http.StatusUnsupportedMediaType {
			t.Errorf("%q: error is %v", contentType, err)
		}
	}
}
