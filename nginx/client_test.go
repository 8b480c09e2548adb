package nginx

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"verdigris/deploy"

	"verdigris/internal/testkit"
)

// rawClient speaks HTTP/1.1 on one kept connection and never sends anything twice, as Go's own client may.
type rawClient struct {
	addr string
	conn net.Conn
	read *bufio.Reader
}

func (c *rawClient) do(r *http.Request) (status int, slice, body string, err error) {
	if c.conn == nil {
		if c.conn, err = net.Dial("tcp", c.addr); err != nil {
			return 0, "", "", err
		}
		c.read = bufio.NewReader(c.conn)
	}
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, "", "", err
	}
	if err := r.Write(c.conn); err != nil {
		return 0, "", "", err
	}
	response, err := http.ReadResponse(c.read, r)
	if err != nil {
		return 0, "", "", err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if response.Close { // announced, so it is no fault
		c.close()
	}
	return response.StatusCode, response.Header.Get(sliceHeader), string(content), err
}

func (c *rawClient) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// answer is what came back to a request that a test sent in the background.
type answer struct {
	status int
	slice  deploy.Slice
	body   string
	err    error
}

// send sends a request through the edge in the background.
func (s *site) send(t testing.TB, method, path, id string, body io.Reader) <-chan answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, body)
	testkit.Must(t, err)
	r.Header.Set("X-Id", id)
	answers := make(chan answer, 1)
	go func() {
		c := &rawClient{addr: s.addr}
		defer c.close()
		status, slice, content, err := c.do(r)
		answers <- answer{status, deploy.Slice(slice), content, err}
	}()
	return answers
}

func receive(t testing.TB, answers <-chan answer) answer {
	t.Helper()
	select {
	case a := <-answers:
		testkit.Must(t, a.err)
		return a
	case <-time.After(patience):
		t.Fatal("no answer came")
		return answer{}
	}
}
