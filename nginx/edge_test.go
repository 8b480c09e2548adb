package nginx

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"verdigris/deploy"

	"verdigris/internal/testkit"
)

// showHeaders answers with the request's headers, Host among them, and tries to pass as another slice.
func showHeaders(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return
	}
	headers := r.Header.Clone()
	headers.Set("Host", r.Host)
	w.Header().Set(sliceHeader, "green")
	w.Header().Set("X-Request-Id", "the slice's")
	w.Header().Set("X-Accel-Redirect", "/elsewhere")
	_ = json.NewEncoder(w).Encode(headers)
}

func TestTheEdgeSetsForwardingHeaders(t *testing.T) {
	t.Parallel()
	s, _, _ := twoSlices(t, showHeaders)
	for name, c := range map[string]struct {
		id   string
		kept bool
	}{"sane": {"4f2c-a.b:c", true}, "absent": {"", false}, "hostile": {"a b\"<script>", false}} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/", nil)
		testkit.Must(t, err)
		request.Header.Set("X-Forwarded-For", "6.6.6.6")
		request.Header.Set("X-Forwarded-Proto", "https")
		if c.id != "" {
			request.Header.Set("X-Request-Id", c.id)
		}
		response, err := http.DefaultClient.Do(request)
		testkit.Must(t, err)
		defer response.Body.Close()
		var got http.Header
		testkit.Must(t, json.NewDecoder(response.Body).Decode(&got))
		for header, want := range map[string]string{
			"Host": s.addr, "X-Forwarded-Host": s.addr, "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Real-Ip": "127.0.0.1",
		} {
			if got.Get(header) != want {
				t.Errorf("%s: %s is %q instead of %q", name, header, got.Get(header), want)
			}
		}
		id := got.Get("X-Request-Id")
		if (id == c.id) != c.kept || len(id) == 0 {
			t.Errorf("%s: the request id is %q", name, id)
		}
		if answered := response.Header.Values("X-Request-Id"); len(answered) != 1 || answered[0] != id {
			t.Errorf("%s: the answer's request id is %q", name, answered)
		}
		if slices := response.Header.Values(sliceHeader); len(slices) != 1 || slices[0] != "blue" {
			t.Errorf("%s: the slice header is %q", name, slices)
		}
		if server := response.Header.Get("Server"); server != "nginx" {
			t.Errorf("%s: the server calls itself %q", name, server)
		}
	}
}

func TestNoRequestReachesThePrivateLocationThroughTheEdge(t *testing.T) {
	t.Parallel()
	s, _, _ := twoSlices(t, nil)
	for _, host := range []string{"router", "", "gate", "in_force"} {
		for _, path := range []string{"/generation", "/status"} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
			testkit.Must(t, err)
			request.Host = host
			response, err := http.DefaultClient.Do(request)
			testkit.Must(t, err)
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			testkit.Must(t, err)
			if string(body) != "blue" {
				t.Errorf("%s%s answers %q", host, path, body)
			}
		}
	}
}

func TestNobodyCanAskForTheGateDuringAHold(t *testing.T) {
	t.Parallel()
	s, _, green := twoSlices(t, nil)
	h := s.holdTowards(t, green)
	conn, err := net.Dial("unix", s.settings.run("router.sock"))
	testkit.Must(t, err)
	defer conn.Close()
	testkit.Must(t, conn.SetDeadline(time.Now().Add(patience)))
	_, err = io.WriteString(conn, "GET gate HTTP/1.1\r\nHost: site\r\n\r\n")
	testkit.Must(t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	testkit.Must(t, err)
	defer response.Body.Close()
	if response.StatusCode != http.StatusBadRequest {
		t.Errorf("the answer is %s", response.Status)
	}
	slashed := s.send(t, http.MethodGet, "/gate", "1", nil) // a page of the app's, as any other
	waiting(t, h, 1)
	testkit.Must(t, h.Abort(t.Context()))
	if a := receive(t, slashed); a.body != "blue" {
		t.Errorf("/gate is answered with %d %s", a.status, a.body)
	}
}

func TestTheEdgeSpeaksHTTP2OverTLSAndHoldsToo(t *testing.T) {
	t.Parallel()
	s := newStoppedSite(t)
	certificate, key := selfSigned(t, filepath.Dir(s.settings.ConfDir))
	s.settings.Edge = Edge{Listen: []Listen{{Address: s.addr, TLS: true}}, Certificate: certificate, Key: key, URL: "https://" + s.addr}
	_, err := s.Prepare(t.Context())
	testkit.Must(t, err)
	s.Client = newClient(s.settings.Edge.URL)
	s.startRouter(t)
	startDaemon(t, edgeCommand(s.settings.NginxConfDir))
	s.waitForEdge(t)
	blue, green := newBackend(t, deploy.Blue, showHeaders), newBackend(t, deploy.Green, showHeaders)
	s.goLive(t, blue)
	if status, slice, err := parted(s.Get(t.Context(), "/")); err != nil || status != http.StatusOK || slice != deploy.Blue {
		t.Errorf("%d from %q, %v", status, slice, err)
	}

	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport, Timeout: patience}
	h := s.holdTowards(t, green)
	go func() {
		waitFor(h, 1)
		_ = h.Route(background(t)) // the answer shows whether it worked
		_ = h.Release(background(t))
	}()
	response, err := client.Post(s.settings.Edge.URL+"/", "text/plain", io.LimitReader(rand.Reader, 1<<20))
	testkit.Must(t, err)
	defer response.Body.Close()
	var got http.Header
	testkit.Must(t, json.NewDecoder(response.Body).Decode(&got))
	if response.ProtoMajor != 2 || response.Header.Get(sliceHeader) != "green" {
		t.Errorf("%s from %s", response.Proto, response.Header.Get(sliceHeader))
	}
	if got.Get("X-Forwarded-Proto") != "https" || got.Get("Host") != s.addr {
		t.Errorf("proto %q, host %q", got.Get("X-Forwarded-Proto"), got.Get("Host"))
	}
}

func selfSigned(t *testing.T, dir string) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	testkit.Must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"site.test"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	testkit.Must(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	testkit.Must(t, err)
	certificate, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	testkit.Must(t, os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	testkit.Must(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	return certificate, key
}
