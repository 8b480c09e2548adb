package webhooks

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"verdigris/deploy"
)

// FuzzReceive signs whatever comes: past the signature, every body is a ping, a push that holds together, an
// ignored event or an error with a status.
func FuzzReceive(f *testing.F) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil || len(files) == 0 {
		f.Fatalf("no payloads in testdata: %v", err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		event, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)), "_")
		contentType := plain
		if filepath.Ext(file) == ".form" {
			contentType = form
		}
		f.Add(event, contentType, body)
	}
	f.Add("push", plain, []byte(minimalPush(`refs/heads/\u0000`)))
	f.Add("push", plain, []byte(`{"ref":"refs/tags/x","head_commit":{}}`))
	g := newGitHub(f)
	f.Fuzz(func(t *testing.T, event, contentType string, body []byte) {
		d, err := g.Receive(NewDelivery(event, contentType, secret, body), body)
		if err != nil {
			var status interface{ StatusCode() int }
			if !errors.As(err, &status) || status.StatusCode() < 400 || status.StatusCode() > 499 {
				t.Fatalf("error without a status: %v", err)
			}
			return
		}
		if d.Kind == KindPush {
			checkPush(t, d.Push)
		}
	})
}

func checkPush(t *testing.T, p deploy.Push) {
	t.Helper()
	if _, err := deploy.ParseCommit(string(p.Commit)); err != nil {
		t.Errorf("the commit is %q", p.Commit)
	}
	if (p.Branch == "") == (p.Tag == "") {
		t.Errorf("branch %q and tag %q", p.Branch, p.Tag)
	}
	if p.Commit.IsZero() && !p.Deleted {
		t.Errorf("no commit, and not deleted: %+v", p)
	}
	if strings.ContainsAny(p.Subject+p.Pusher+p.Ref, "\x00\n\r\x1b") {
		t.Errorf("control characters in %+v", p)
	}
	if ok, _ := (Filter{Branches: []string{"**"}, Tags: []string{"**"}}).Decide(p); ok == p.Deleted {
		t.Errorf("a filter that takes all decides %v for %+v", ok, p)
	}
}

// FuzzSignature lets nothing through but the signature itself, in either case of its digits.
func FuzzSignature(f *testing.F) {
	body := []byte(`{"zen":"x"}`)
	good := Sign(secret, body)
	for _, seed := range []string{"", "sha256=", good, good[:70], strings.ToUpper(good), "sha1=" + good[7:], good + "00"} {
		f.Add(seed)
	}
	g := newGitHub(f)
	f.Fuzz(func(t *testing.T, signature string) {
		header := NewDelivery("ping", plain, secret, body)
		header["X-Hub-Signature-256"] = []string{signature}
		_, err := g.Receive(header, body)
		same := strings.HasPrefix(signature, signaturePrefix) && strings.EqualFold(signature, good)
		if (err == nil) != same {
			t.Errorf("signature %q: %v", signature, err)
		}
	})
}
