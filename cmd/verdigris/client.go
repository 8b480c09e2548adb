package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"verdigris/deploy"
)

// callTimeout bounds every call but the event stream, and the stop of a slice, which takes as long as its containers.
const (
	callTimeout = 30 * time.Second
	stopTimeout = 6 * time.Minute
)

// maxReply bounds what is read of an answer.
const maxReply = 32 << 20

// client talks to the API of a server.
type client struct {
	base  string // e.g. http://verdigris or https://deploy.example.com
	where string // the same for people
	app   string // empty takes the server's default app
	token string
	http  *http.Client
}

// problemError is an answer that says no: problem details as in RFC 9457.
type problemError struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Next   string `json:"next"`
}

func (p *problemError) Error() string {
	switch {
	case p.Detail != "":
		return p.Detail
	case p.Title != "":
		return p.Title
	}
	return fmt.Sprintf("the server answered with status %d", p.Status)
}

// client returns a client for --server, or for the socket of the local configuration.
func (c *cli) client() (*client, error) {
	if c.server != "" {
		return c.remoteClient()
	}
	cfg, err := c.load()
	if err != nil {
		return nil, err
	}
	app, err := cfg.App(c.app)
	if err != nil {
		return nil, err
	}
	socket := string(cfg.Server.Socket)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "unix", socket)
	}
	return &client{base: "http://verdigris", where: socket, app: app.Name, http: &http.Client{Transport: &http.Transport{DialContext: dial}}}, nil
}

func (c *cli) remoteClient() (*client, error) {
	u, err := url.Parse(c.server)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, &deploy.InputError{Reason: fmt.Sprintf("--server takes a URL like https://deploy.example.com, not %q", c.server)}
	}
	token := os.Getenv("VERDIGRIS_TOKEN")
	if c.tokenFile != "" {
		text, err := os.ReadFile(c.tokenFile)
		if err != nil {
			return nil, &deploy.InputError{Reason: fmt.Sprintf("read the token: %v", err)}
		}
		token = strings.TrimSpace(string(text))
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	return &client{base: strings.TrimSuffix(c.server, "/"), where: c.server, app: c.app, token: token, http: &http.Client{Transport: transport}}, nil
}

// path returns the route of an operation on the client's app.
func (c *client) path(elem ...string) string {
	if c.app != "" {
		elem = append([]string{"apps", c.app}, elem...)
	}
	for i, e := range elem {
		elem[i] = url.PathEscape(e)
	}
	return "/" + strings.Join(elem, "/")
}

// call sends in as JSON, where there is one, and decodes the answer into out.
func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	return c.callWithin(ctx, callTimeout, method, path, in, out)
}

func (c *client) callWithin(ctx context.Context, timeout time.Duration, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("write request: %w", err)
		}
		body = bytes.NewReader(text)
	}
	response, err := c.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if out == nil || response.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxReply)).Decode(out); err != nil {
		return fmt.Errorf("read the answer of %s: %w", c.where, err)
	}
	return nil
}

// send makes a request and returns an answer that says yes; the caller closes its body.
func (c *client) send(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("User-Agent", "verdigris/"+versionString())
	request.Header.Set("Accept", "application/json, text/event-stream")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if response.StatusCode >= 300 {
		defer response.Body.Close()
		return nil, readProblem(response)
	}
	return response, nil
}

func (c *client) unreachable(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err
	}
	return &unreachableError{Where: c.where, Err: err}
}

func readProblem(response *http.Response) error {
	p := &problemError{}
	// A proxy in between may answer with anything; then the status has to do.
	_ = json.NewDecoder(io.LimitReader(response.Body, maxReply)).Decode(p)
	p.Status = response.StatusCode
	if p.Status == http.StatusUnauthorized && p.Next == "" {
		p.Next = "make a token on the server with `verdigris token create NAME` and give it with --token-file or VERDIGRIS_TOKEN"
	}
	return p
}
