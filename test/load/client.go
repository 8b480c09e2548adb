package load

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Client is an HTTP/1.1 client on one kept connection that never repeats a request: whatever goes wrong under a
// request is that request's failure. net/http is kinder than that, and hides what a reload does to clients.
type Client struct {
	address string
	conn    net.Conn
	reader  *bufio.Reader
}

// NewClient returns a client of the server at host:port. It connects with its first request.
func NewClient(address string) *Client { return &Client{address: address} }

// Do sends one request and reads the whole answer. Where the server closes the connection after the answer, as it
// may, the next request takes a new one.
func (c *Client) Do(ctx context.Context, r *http.Request) (status int, header http.Header, body []byte, err error) {
	if err := c.connect(ctx); err != nil {
		return 0, nil, nil, err
	}
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	if deadline, ok := ctx.Deadline(); ok {
		if err := c.conn.SetDeadline(deadline); err != nil {
			return 0, nil, nil, err
		}
	}
	if err := r.Write(c.conn); err != nil {
		return 0, nil, nil, fmt.Errorf("send request: %w", err)
	}
	response, err := http.ReadResponse(c.reader, r)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("read answer: %w", err)
	}
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("read answer's body: %w", err)
	}
	if response.Close {
		c.Close()
	}
	return response.StatusCode, response.Header, body, nil
}

func (c *Client) connect(ctx context.Context) error {
	if c.conn != nil {
		return nil
	}
	dialer := net.Dialer{Timeout: 5 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", c.address)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	c.conn, c.reader = conn, bufio.NewReader(conn)
	return nil
}

// Close ends the connection. The client can go on with a new one.
func (c *Client) Close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}
