package nginx

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"verdigris/deploy"
)

// sliceHeader tells which slice answered. The router sets it and drops what a slice claims itself.
const sliceHeader = "X-Verdigris-Slice"

// newClient returns a client that takes a fresh connection for each request and follows no redirect.
func newClient(base string) *http.Client {
	transport := &http.Transport{DisableKeepAlives: true}
	if loopback(base) {
		// The certificate names the site, not this machine, and the request does not leave it.
		transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	}
	return &http.Client{
		Transport:     transport,
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func loopback(base string) bool {
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

func get(ctx context.Context, client *http.Client, base, path string) (int, deploy.Slice, error) {
	if base == "" {
		return 0, "", errors.New("the url to ask is not set")
	}
	address := strings.TrimSuffix(base, "/") + "/" + strings.TrimPrefix(path, "/")
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	// An answer counts once it has arrived, but nobody needs the whole of a long one.
	if _, err := io.CopyN(io.Discard, response.Body, 1<<20); err != nil && !errors.Is(err, io.EOF) {
		return 0, "", err
	}
	return response.StatusCode, deploy.Slice(response.Header.Get(sliceHeader)), nil
}
