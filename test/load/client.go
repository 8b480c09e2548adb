package load

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// connectTimeout bounds the way to a connection.
const connectTimeout = 5 * time.Second

// Client is an HTTP/1.1 client on one kept connection that never repeats a request: whatever goes wrong under a
// request is that request's failure. net/http is kinder than that, and hides what a reload does to clients.
type Client struct {
	// TLS is for https; the system's certificates are trusted when it is nil.
	TLS *tls.Config

	conn   net.Conn
	reader *bufio.Reader
}

// Do sends one request and reads the whole answer. Where the server closes the connection after the answer, as it
// may, the next request takes a new one. All requests of a client are for the same site.
func (c *Client) Do(ctx context.Context, r *http.Request) (status int, header http.Header, body []byte, err error) {
	response, err := c.open(ctx, r)
	if err != nil {
		return 0, nil, nil, err
	}
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	if err != nil {
		c.Close()
		return 0, nil, nil, fmt.Errorf("read answer's body: %w", plain(err))
	}
	if response.Close {
		c.Close()
	}
	return response.StatusCode, response.Header, body, nil
}

// open sends a request and reads the answer up to its body.
func (c *Client) open(ctx context.Context, r *http.Request) (response *http.Response, err error) {
	if err := c.connect(ctx, r); err != nil {
		return nil, fmt.Errorf("connect: %w", plain(err))
	}
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	deadline, _ := ctx.Deadline() // the zero time is none
	if err := c.conn.SetDeadline(deadline); err != nil {
		return nil, fmt.Errorf("send request: %w", plain(err))
	}
	out := &sink{to: c.conn}
	if err := r.Write(out); err != nil {
		return nil, fmt.Errorf("send request: %w", plain(cmp.Or(out.err, err)))
	}
	if response, err = http.ReadResponse(c.reader, r); err != nil {
		return nil, fmt.Errorf("read answer: %w", plain(err))
	}
	return response, nil
}

func (c *Client) connect(ctx context.Context, r *http.Request) error {
	if c.conn != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	port := r.URL.Port()
	if port == "" {
		port = r.URL.Scheme // net knows the ports of http and https
	}
	address := net.JoinHostPort(r.URL.Hostname(), port)
	var conn net.Conn
	var err error
	if r.URL.Scheme == "https" {
		conn, err = (&tls.Dialer{Config: c.TLS}).DialContext(ctx, "tcp", address)
	} else {
		conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", address)
	}
	if err == nil {
		c.conn, c.reader = conn, bufio.NewReader(conn)
	}
	return err
}

// Close ends the connection. The client can go on with a new one.
func (c *Client) Close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}
