package compose

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/distribution/reference"
)

func TestPausesGrowAndStayBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pauses []time.Duration
		b := backoff{attempts: 6, first: time.Second, most: 5 * time.Second}
		begun, tries := time.Now(), 0
		err := b.retry(t.Context(), func() error { tries++; return errors.New("no") },
			func(error) (time.Duration, bool) { return 0, true },
			func(_ error, pause time.Duration) { pauses = append(pauses, pause) })
		wants(t, err, "no")
		planned := []time.Duration{1, 2, 4, 5, 5}
		if tries != 6 || len(pauses) != len(planned) {
			t.Fatalf("%d attempts, pauses %v", tries, pauses)
		}
		total := time.Duration(0)
		for i, pause := range pauses {
			total += pause
			if least := planned[i] * time.Second; pause < least || pause > least+least/5 {
				t.Errorf("pause %d is %s", i+1, pause)
			}
		}
		if waited := time.Since(begun); waited != total {
			t.Errorf("it waited %s in all, and said %s", waited, total)
		}
	})
}

func TestAPauseIsAsLongAsTheOtherSideAsksFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := backoff{attempts: 3, first: time.Second, most: 10 * time.Second}
		asked, pauses := []time.Duration{4 * time.Second, time.Hour}, []time.Duration{}
		b.retry(t.Context(), func() error { return errors.New("no") },
			func(error) (time.Duration, bool) { return asked[len(pauses)], true },
			func(_ error, pause time.Duration) { pauses = append(pauses, pause) })
		if !slices.Equal(pauses, []time.Duration{4 * time.Second, 10 * time.Second}) {
			t.Errorf("pauses are %v", pauses)
		}
	})
}

func TestACancelledPauseEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		begun := time.Now()
		err := backoff{attempts: 5, first: time.Hour, most: time.Hour}.retry(ctx, func() error { return errors.New("no") },
			func(error) (time.Duration, bool) { return 0, true },
			func(error, time.Duration) { time.AfterFunc(time.Second, cancel) })
		if !errors.Is(err, context.Canceled) || time.Since(begun) != time.Second {
			t.Errorf("after %s: %v", time.Since(begun), err)
		}
	})
}

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
