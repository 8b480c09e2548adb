package compose

import (
	"errors"
	"testing"
	"time"

	"github.com/distribution/reference"

	"verdigris/deploy"
)

// The words are those of engines and registries.
func TestFaultsAreToldApart(t *testing.T) {
	image, err := reference.ParseNormalizedNamed("registry.example/denied/timeout:404")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]fault{
		`Get "http://127.0.0.1:5997/v2/": dial tcp 127.0.0.1:5997: connect: connection refused`:                                                    faultTransient,
		`Get "https://registry.example/v2/": net/http: TLS handshake timeout`:                                                                      faultTransient,
		`Get "https://registry.example/v2/": EOF`:                                                                                                  faultTransient,
		`Head "https://registry.example/v2/denied/timeout/manifests/404": received unexpected HTTP status: 503 Service Unavailable`:                faultTransient,
		`unexpected status from HEAD request to https://registry.example/v2/denied/timeout/manifests/404: 502 Bad Gateway`:                         faultTransient,
		`toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading`:                       faultTransient,
		`read tcp 10.0.0.1:4->10.0.0.2:443: read: connection reset by peer`:                                                                        faultTransient,
		`unauthorized: authentication required`:                                                                                                    faultLogin,
		`Head "https://registry.example/v2/denied/timeout/manifests/404": no basic auth credentials`:                                               faultLogin,
		`pull access denied for denied/timeout, repository does not exist or may require 'docker login': denied: requested access to the resource`: faultLogin,
		`failed to authorize: failed to fetch oauth token: unexpected status from POST request: 401 Unauthorized`:                                  faultLogin,
		`manifest for registry.example/denied/timeout:404 not found: manifest unknown: manifest unknown`:                                           faultMissing,
		`no matching manifest for linux/s390x in the manifest list entries`:                                                                        faultMissing,
		`Get "https://registry.example/v2/denied/timeout/manifests/404": x509: certificate signed by unknown authority`:                            faultOther,
		`Get "https://registry.example/v2/": dial tcp: lookup registry.example: no such host`:                                                      faultOther,
		`failed to register layer: write /x: no space left on device`:                                                                              faultOther,
	} {
		if got := faultOf(errors.New(text), image); got != want {
			t.Errorf("fault %d, want %d: %s", got, want, text)
		}
	}
}

func TestTheWaitThatARegistryAsksForIsRead(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"toomanyrequests: retry-after: 823.462µs, allowed: 44000/minute": 823462 * time.Nanosecond,
		"429 Too Many Requests, Retry-After: 7":                          7 * time.Second,
		"toomanyrequests: no":                                            0,
	} {
		if got := askedWait(text); got != want {
			t.Errorf("%q asks for %s, want %s", text, got, want)
		}
	}
}

func TestTheRegistryOfABaseImageIsFound(t *testing.T) {
	for text, want := range map[string]string{
		`failed to solve: pulling from host registry.example:5000 failed with status code [manifests 1]: 401 Unauthorized`:                  "docker login registry.example:5000",
		`Head "https://registry.example/v2/a/b/manifests/1": no basic auth credentials`:                                                     "docker login registry.example",
		`failed to resolve source metadata for docker.io/a/b:1: pull access denied, repository does not exist or may require authorization`: "docker login",
		`unauthorized: authentication required`: "docker login last.example",
		`process "/bin/sh -c curl -f https://site.example/unauthorized" did not complete successfully: exit code: 22`: "",
		`executor failed running [/bin/sh -c curl -f https://site.example/forbidden]: exit code: 22`:                  "",
		`failed to compute cache key: "/unknown" not found`:                                                           "",
	} {
		err := loginFor(errors.New(text), []string{"web [1/3] FROM first.example/a", "web [2/3] FROM --platform=linux/amd64 last.example/b:1: failed after 0.1 s"})
		if want != "" {
			want = "log in as the user of verdigris: " + want
		}
		if got := next(err); got != want {
			t.Errorf("next is %q, want %q: %s", got, want, text)
		}
	}
}

// next is what the error says to do.
func next(err error) string {
	var hint *deploy.HintedError
	if errors.As(err, &hint) {
		return hint.Next
	}
	return ""
}
