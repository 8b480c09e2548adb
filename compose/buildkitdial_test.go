package compose

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/client"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

const dockerSocket = "/var/run/docker.sock"

// connectedBy returns the machine's engine as it is reached at that TCP address.
func connectedBy(t *testing.T, address string) *Engine {
	t.Helper()
	c, err := client.NewClientWithOpts(client.WithHost("tcp://"+address), client.WithAPIVersionNegotiation())
	testkit.Must(t, err)
	t.Cleanup(func() { c.Close() })
	e := &Engine{client: c, Timeout: time.Minute}
	testkit.Must(t, e.Ping(t.Context()))
	return e
}

// withoutUpgrade serves the machine's engine without the paths at which a connection is handed over to BuildKit.
func withoutUpgrade(t *testing.T) string {
	t.Helper()
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: "docker"}) },
		Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			return net.Dial("unix", dockerSocket)
		}},
		FlushInterval: -1,
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/grpc") || strings.HasSuffix(r.URL.Path, "/session") {
			http.NotFound(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	})}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return listener.Addr().String()
}

func TestEngine_WithoutBuildKit_SaysWhereToBuild(t *testing.T) {
	t.Parallel()
	connected(t) // for its images
	e := connectedBy(t, withoutUpgrade(t))
	s := newSite(t, e, `services: {web: {build: {context: ., dockerfile_inline: "FROM `+debian+`"}}}`)
	_, err := s.Build(t.Context(), deploy.Blue, s.release(commitA), false, s.log)
	testkit.ErrorContains(t, err, "the Docker Engine at tcp://127.0.0.1:", "has no BuildKit")
	if !strings.Contains(next(err), "20.10 or newer") {
		t.Errorf("the hint is missing: %#v", err)
	}
}

// servingGRPC serves gRPC at once, as the newest engines do: what does not begin as HTTP/2 has no /grpc, what does is led
// to the BuildKit of the machine's engine.
func servingGRPC(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	rest := withoutUpgrade(t)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serveEither(conn, rest)
		}
	}()
	return listener.Addr().String()
}

func serveEither(conn net.Conn, rest string) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	start, err := in.Peek(3)
	if err != nil {
		return
	}
	var upstream net.Conn
	if string(start) == "PRI" {
		upstream, err = upgraded()
	} else {
		upstream, err = net.Dial("tcp", rest)
	}
	if err != nil {
		return
	}
	defer upstream.Close()
	go io.Copy(upstream, in)
	io.Copy(conn, upstream)
}

// upgraded connects to the BuildKit of the machine's engine.
func upgraded() (net.Conn, error) {
	conn, err := net.Dial("unix", dockerSocket)
	if err != nil {
		return nil, err
	}
	io.WriteString(conn, "POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
	conn.SetReadDeadline(time.Now().Add(testkit.Patience))
	var head []byte
	for one := make([]byte, 1); !strings.HasSuffix(string(head), "\r\n\r\n"); head = append(head, one...) {
		if _, err := conn.Read(one); err != nil {
			return nil, err
		}
	}
	return conn, conn.SetReadDeadline(time.Time{})
}

func TestBuildKitIsFoundWhereTheEngineServesItWithoutAnUpgrade(t *testing.T) {
	t.Parallel()
	connected(t) // for its images
	e := connectedBy(t, servingGRPC(t))
	s := newSite(t, e, `services: {web: {build: {context: ., dockerfile_inline: "FROM `+debian+`\nCOPY file /\nRUN echo hello"}}}`)
	s.write("file", "")
	if _, err := s.Build(t.Context(), deploy.Blue, s.release(commitA), true, s.log); err != nil {
		t.Fatal(err)
	}
	if said := s.said(); !strings.Contains(said, "| hello") {
		t.Errorf("the build said\n%s", said)
	}
}
