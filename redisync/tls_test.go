package redisync

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// testCertificate is a self-signed certificate for 127.0.0.1, on disk and as what clients trust.
type testCertificate struct {
	certFile, keyFile string
	pool              *x509.CertPool
}

func newCertificate(t *testing.T) testCertificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	testkit.Must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	testkit.Must(t, err)
	private, err := x509.MarshalECPrivateKey(key)
	testkit.Must(t, err)
	c := testCertificate{pool: x509.NewCertPool()}
	c.certFile = writePEM(t, "CERTIFICATE", certificate)
	c.keyFile = writePEM(t, "EC PRIVATE KEY", private)
	c.pool.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}))
	return c
}

// startWithTLS starts a redis that speaks TLS as well, at the address that is returned.
func startWithTLS(t *testing.T, c testCertificate) (s *testServer, address string) {
	t.Helper()
	port := fmt.Sprint(testkit.FreePort(t))
	s = startRedis(t, "--tls-port", port, "--tls-cert-file", c.certFile, "--tls-key-file", c.keyFile,
		"--tls-ca-cert-file", c.certFile, "--tls-auth-clients", "no")
	return s, "127.0.0.1:" + port
}

func writePEM(t *testing.T, kind string, bytes []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAMirrorFollowsOverTLS(t *testing.T) {
	t.Parallel()
	certificate := newCertificate(t)
	side := func() (*testServer, Side) {
		s, address := startWithTLS(t, certificate)
		return s, Side{Address: At(address), TLS: &tls.Config{RootCAs: certificate.pool}}
	}
	from, blue := side()
	to, green := side()
	d := startedMirror(t, newDataOf(t, blue, green, "images", "small"))
	pushList(t, from, "images", 60, 100<<10) // many records of TLS at once
	pushList(t, from, "small", 20_000, 10)
	cutOver(t, d, deploy.Blue, func(settle func()) { settle() })
	requireEqualKeys(t, from, to, []string{"images", "small"})
	pushList(t, to, "small", 1000, 10) // the other way now
	testkit.Eventually(t, "the mirror has turned", func() bool { return from.LLen(t.Context(), "small").Val() == 21_000 })
	requireEqualKeys(t, to, from, []string{"images", "small"})
}
