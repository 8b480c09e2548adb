package nginx

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"verdigris/deploy"

	"verdigris/internal/testkit"
)

// BenchmarkThroughput measures GETs a second over 32 kept connections, through edge and router, and through a single
// bare nginx that proxies to the same slice; and through kamal-proxy where PEER_KAMAL_PROXY names it. Their rounds take
// turns, and each ratio is one of rounds that followed each other.
func BenchmarkThroughput(b *testing.B) {
	slice := startPlainSlice(b)
	s := newSite(b)
	route := deploy.Route{Slice: deploy.Blue, Endpoints: []deploy.Endpoint{{Container: "web", Address: slice}}}
	testkit.Must(b, s.Apply(b.Context(), route))
	bare := startBareProxy(b, slice)
	peer := startKamalProxy(b, slice)
	var ours, toBare, toPeer []float64
	for range 7 {
		rate := requestRate(b, s.addr)
		ours = append(ours, rate)
		toBare = append(toBare, rate/requestRate(b, bare))
		if peer != "" {
			toPeer = append(toPeer, rate/requestRate(b, peer))
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(middle(ours), "requests/s")
	b.ReportMetric(middle(toBare), "x-bare-nginx")
	if peer == "" {
		b.Log("PEER_KAMAL_PROXY is not set: the comparison with kamal-proxy is left out")
		return
	}
	b.ReportMetric(middle(toPeer), "x-kamal-proxy")
}

func middle(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

var ratePattern = regexp.MustCompile(`Requests/sec:\s+([0-9.]+)`)

// requestRate returns how many requests a second wrk gets answered. An answer that is no success is a fault.
func requestRate(b *testing.B, addr string) float64 {
	b.Helper()
	output, err := runCommand(b.Context(), "wrk", "-t", "1", "-c", "32", "-d", "2s", "http://"+addr+"/")
	if err != nil {
		b.Fatalf("wrk (apt-get install wrk): %v\n%s", err, output)
	}
	found := ratePattern.FindStringSubmatch(output)
	if found == nil || strings.Contains(output, "Non-2xx") || strings.Contains(output, "Socket errors") {
		b.Fatalf("wrk printed:\n%s", output)
	}
	rate, err := strconv.ParseFloat(found[1], 64)
	testkit.Must(b, err)
	return rate
}

// startPlainSlice starts an nginx that answers by itself: as little work as an app could have.
func startPlainSlice(b *testing.B) (addr string) {
	addr = testkit.FreeAddress(b)
	startPlainNginx(b, addr, `server { listen `+addr+` backlog=1024; location / { return 200 "`+strings.Repeat("x", 1000)+`"; } }`)
	return addr
}

// startBareProxy starts what people have without verdigris: one nginx with connections to the slice kept open.
func startBareProxy(b *testing.B, slice string) (addr string) {
	addr = testkit.FreeAddress(b)
	startPlainNginx(b, addr, `upstream slice { server `+slice+`; keepalive 64; }
  server {
    listen `+addr+` backlog=1024;
    location / { proxy_pass http://slice; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; }
  }`)
	return addr
}

func startPlainNginx(b *testing.B, addr, servers string) {
	dir := testkit.ShortDir(b)
	file := filepath.Join(dir, "nginx.conf")
	testkit.Must(b, os.WriteFile(file, []byte(`worker_processes auto;
pid `+dir+`/pid;
error_log stderr warn;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000;
  client_body_temp_path `+dir+`/b; proxy_temp_path `+dir+`/p; fastcgi_temp_path `+dir+`/f; uwsgi_temp_path `+dir+`/u; scgi_temp_path `+dir+`/s;
  `+servers+`
}
`), 0o644))
	startDaemon(b, []string{"nginx", "-c", file, "-g", "daemon off;"})
	awaitListener(b, addr)
}

// startKamalProxy starts the peer before the slice; without a peer it returns nothing.
func startKamalProxy(b *testing.B, slice string) (addr string) {
	program := os.Getenv("PEER_KAMAL_PROXY")
	if program == "" {
		return ""
	}
	addr = testkit.FreeAddress(b)
	_, port, err := net.SplitHostPort(addr)
	testkit.Must(b, err)
	_, secure, err := net.SplitHostPort(testkit.FreeAddress(b))
	testkit.Must(b, err)
	state := b.TempDir() // its state and its command socket
	for _, variable := range []string{"HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"} {
		b.Setenv(variable, state)
	}
	startDaemon(b, []string{program, "run", "--http-port", port, "--https-port", secure})
	awaitListener(b, addr)
	testkit.Eventually(b, "kamal-proxy takes the slice", func() bool {
		return exec.CommandContext(b.Context(), program, "deploy", "app", "--target", slice, "--health-check-path", "/").Run() == nil
	})
	response, err := http.Get("http://" + addr + "/")
	testkit.Must(b, err)
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		b.Fatal(fmt.Sprint("kamal-proxy answers ", response.Status))
	}
	return addr
}

func awaitListener(b *testing.B, addr string) {
	testkit.Eventually(b, addr+" answers", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}
