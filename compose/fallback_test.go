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

	"verdigris/deploy"
)

const dockerSocket = "/var/run/docker.sock"

// connectedBy returns the machine's engine as it is reached at that TCP address.
func connectedBy(t *testing.T, address string) *Engine {
	t.Helper()
	connected(t) // complains of what is missing
	t.Setenv("DOCKER_HOST", "tcp://"+address)
	e, err := Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// withoutBuildKit serves the machine's engine without the paths that lead to BuildKit.
func withoutBuildKit(t *testing.T) string {
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

func TestTheClassicBuilderTakesOverWhereBuildKitIsMissing(t *testing.T) {
	e := connectedBy(t, withoutBuildKit(t))
	s := newSite(t, e, `services: {web: {build: {context: ., dockerfile_inline: "FROM `+debian+`\nRUN echo hello"}}}`)
	s.mustBuild()
	if said := s.said(); !strings.Contains(said, "note: this engine has no BuildKit") || !strings.Contains(said, "] | hello") {
		t.Errorf("the build said\n%s", said)
	}
	e.Builder = BuilderBuildKit
	_, err := s.Build(t.Context(), deploy.Blue, s.release(commitA), false, s.log)
	wants(t, err, "the engine has no BuildKit")
}

func TestTheClassicBuilderRefusesWhatOnlyBuildKitCanDo(t *testing.T) {
	e := connected(t)
	e.Builder = BuilderClassic
	for keys, want := range map[string]string{
		"secrets: [s], dockerfile_inline: FROM x":                         "build.secrets needs BuildKit",
		"ssh: ['default=${PWD}/Dockerfile']":                              "build.ssh needs BuildKit",
		"no_cache_filter: [x]":                                            "build.no_cache_filter needs BuildKit",
		"privileged: true":                                                "build.privileged needs BuildKit",
		"entitlements: [network.host]":                                    "build.entitlements needs BuildKit",
		"cache_to: [type=inline]":                                         "build.cache_to needs BuildKit",
		"dockerfile: sub/Dockerfile.mount":                                "sub/Dockerfile.mount:3: RUN --mount needs BuildKit",
		`dockerfile_inline: "FROM x\nCOPY --link a b"`:                    "dockerfile_inline:2: COPY --link needs BuildKit",
		`dockerfile_inline: "FROM x\nRUN <<EOT\nmake\nEOT"`:               "dockerfile_inline:2: RUN <<EOT needs BuildKit",
		`context: "https://example.org/x.git", dockerfile_inline: FROM x`: "build.dockerfile_inline with a context that the engine fetches needs BuildKit",
	} {
		if !strings.Contains(keys, "context:") {
			keys = "context: ., " + keys
		}
		s := newSite(t, e, "services: {web: {build: {"+keys+"}}}\nsecrets: {s: {file: ./Dockerfile}}\n")
		s.write(".env", "PWD="+s.dir+"\n")
		s.write("Dockerfile", "FROM x\n")
		s.write("sub/Dockerfile.mount", "FROM x\nRUN one\nRUN --mount=type=cache,target=/x two\n")
		_, err := s.Build(t.Context(), deploy.Blue, s.release(commitA), false, s.log)
		wants(t, err, "service web: "+want)
	}
}

// serving gRPC at once, as the newest engines do: what does not begin as HTTP/2 has no /grpc, what does is led to the
// BuildKit of the machine's engine.
func servingGRPC(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	rest := withoutBuildKit(t)
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
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	var head []byte
	for one := make([]byte, 1); !strings.HasSuffix(string(head), "\r\n\r\n"); head = append(head, one...) {
		if _, err := conn.Read(one); err != nil {
			return nil, err
		}
	}
	return conn, conn.SetReadDeadline(time.Time{})
}

func TestBuildKitIsFoundWhereTheEngineServesItWithoutAnUpgrade(t *testing.T) {
	e := connectedBy(t, servingGRPC(t))
	e.Builder = BuilderBuildKit
	s := newSite(t, e, `services: {web: {build: {context: ., dockerfile_inline: "FROM `+debian+`\nCOPY file /\nRUN echo hello"}}}`)
	s.write("file", "")
	if _, err := s.Build(t.Context(), deploy.Blue, s.release(commitA), true, s.log); err != nil {
		t.Fatal(err)
	}
	if said := s.said(); !strings.Contains(said, "| hello") {
		t.Errorf("the build said\n%s", said)
	}
}
