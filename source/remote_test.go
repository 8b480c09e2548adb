package source

import (
	"fmt"
	"strings"
	"testing"

	"verdigris/deploy"
)

func TestURLsOfRemotes(t *testing.T) {
	for raw, want := range map[string]endpoint{
		"https://github.com/acme/gallery.git":     {"https://github.com/acme/gallery.git", "https", "github.com", ""},
		"https://mona:pw@git.acme.example:8443/g": {"https://git.acme.example:8443/g", "https", "git.acme.example:8443", ""},
		"http://127.0.0.1:3000/acme/gallery":      {"http://127.0.0.1:3000/acme/gallery", "http", "127.0.0.1:3000", ""},
		"ssh://git@git.acme.example:2222/g.git":   {"ssh://git@git.acme.example:2222/g.git", "ssh", "git.acme.example:2222", ""},
		"git@github.com:acme/gallery.git":         {"git@github.com:acme/gallery.git", "ssh", "github.com", ""},
		"forge:gallery.git":                       {"forge:gallery.git", "ssh", "forge", ""},
		"/srv/git/../gallery":                     {"/srv/gallery", "file", "", "/srv/gallery"},
		"file:///srv/my%20gallery":                {"/srv/my gallery", "file", "", "/srv/my gallery"},
	} {
		remote := Remote{URL: raw}
		if got, err := remote.parse(); err != nil || got != want {
			t.Errorf("%s is %+v (%v), want %+v", raw, got, err, want)
		}
	}
}

func TestURLsThatAreNoneAreRefused(t *testing.T) {
	for _, raw := range []string{
		"", ".", "gallery", "../gallery", "ext::sh -c touch% x", "fd::3", "git://github.com/acme/gallery", "ftp://x/y", "--upload-pack=x",
		"-oProxyCommand=x:y", "ssh://-oProxyCommand=touch/x", "ssh://-oProxyCommand=x@host/y", "ssh://git:hunter2@host/x", "file://host/x",
		"https:///x", "https://a b/", "/srv/a\nb", "transport::https://x/y",
	} {
		_, err := New(t.TempDir(), Remote{URL: raw})
		if _, ok := err.(*deploy.InputError); !ok || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: error is %v", raw, err)
		}
	}
}

func TestPasswordsInURLsBecomeTokensAndAreNotShown(t *testing.T) {
	for raw, want := range map[string]string{
		"https://mona:hunter2@git.acme.example/g": "mona hunter2",
		"https://hunter2@git.acme.example/g":      "git hunter2",
		"https://:hunter2@git.acme.example/g":     "git hunter2",
	} {
		r := open(t, Remote{URL: raw})
		token, err := r.remote.Token()
		if got := r.username() + " " + token; err != nil || got != want {
			t.Errorf("%s gives %s (%v), want %s", raw, got, err, want)
		}
		if strings.Contains(r.at.url, "hunter2") {
			t.Errorf("the url is %s", r.at.url)
		}
	}
	if text := redactURL("fatal: https://mona:hunter2@host/x and http://hunter2@host"); text != "fatal: https://***@host/x and http://***@host" {
		t.Errorf("redacted to %s", text)
	}
	_, err := New(t.TempDir(), Remote{URL: "gopher://mona:hunter2@host/"})
	if err == nil || strings.Contains(fmt.Sprint(err), "hunter2") {
		t.Errorf("error is %v", err)
	}
}

func TestATokenIsNotSentInTheClear(t *testing.T) {
	token := func() (string, error) { return "t", nil }
	if _, err := New(t.TempDir(), Remote{URL: "http://git.acme.example/x", Token: token}); err == nil {
		t.Error("http:// to another host takes a token")
	}
	if _, err := New(t.TempDir(), Remote{URL: "http://localhost:3000/x", Token: token}); err != nil {
		t.Error(err)
	}
}
