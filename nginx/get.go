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

// keptBody is how much of an answer is kept.
const keptBody = 64 << 10

func get(ctx context.Context, client *http.Client, base, path string) (reply deploy.Reply, err error) {
	if base == "" {
		return reply, errors.New("the url to ask is not set")
	}
	address := strings.TrimSuffix(base, "/") + "/" + strings.TrimPrefix(path, "/")
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return reply, err
	}
	response, err := client.Do(request)
	if err != nil {
		return reply, err
	}
	defer response.Body.Close()
	if reply.Body, err = io.ReadAll(io.LimitReader(response.Body, keptBody)); err != nil {
		return reply, err
	}
	// An answer counts once it has arrived, but nobody needs the whole of a long one.
	if _, err := io.CopyN(io.Discard, response.Body, 1<<20); err != nil && !errors.Is(err, io.EOF) {
		return reply, err
	}
	reply.Status, reply.Slice = response.StatusCode, deploy.Slice(response.Header.Get(sliceHeader))
	reply.Release = response.Header.Get(deploy.ReleaseHeader)
	return reply, nil
}
