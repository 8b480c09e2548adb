package webhooks

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkReceive10KB verifies and reads an ordinary push of about 10 KB.
func BenchmarkReceive10KB(b *testing.B) {
	benchmarkReceive(b, plain, testdata(b, "push.json"))
}

// BenchmarkReceiveForm does the same for the form encoding of the payload.
func BenchmarkReceiveForm(b *testing.B) {
	benchmarkReceive(b, form, testdata(b, "push.form"))
}

// BenchmarkReceive25MB reads a body of nearly the size at which GitHub stops.
func BenchmarkReceive25MB(b *testing.B) {
	benchmarkReceive(b, plain, hugePush(b))
}

// BenchmarkVerify10KB is the signature alone: the least that a receiver has to do.
func BenchmarkVerify10KB(b *testing.B) {
	body := testdata(b, "push.json")
	mac, err := parseSignature([]string{Sign(secret, body)})
	if err != nil {
		b.Fatal(err)
	}
	g := newGitHub(b)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if !g.secrets.verify(mac, body) {
			b.Fatal("not verified")
		}
	}
}

func benchmarkReceive(b *testing.B, contentType string, body []byte) {
	g := newGitHub(b)
	header := NewDelivery("push", contentType, secret, body)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.Receive(header, body); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
}

// hugePush lists so many files that the payload is just under 25 MB.
func hugePush(t testing.TB) []byte {
	t.Helper()
	s := samplePush()
	s.Commits = nil
	for i := range githubMaxCommits - 1 {
		c := SampleCommit{ID: firstCommit, Message: fmt.Sprintf("Step %d", i), Time: time.Unix(1795192832, 0)}
		for j := range 240 {
			c.Added = append(c.Added, fmt.Sprintf("services/gallery/pictures/%04d/%04d.go", i, j))
		}
		s.Commits = append(s.Commits, c)
	}
	body, err := NewPush(s)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestAHugePushIsReadWhole(t *testing.T) {
	body := hugePush(t)
	if len(body) < 20<<20 || len(body) > 25<<20 {
		t.Fatalf("the body has %d bytes, which is not what this test is about", len(body))
	}
	p := mustReceive(t, "push", plain, body).Push
	if want := (githubMaxCommits - 1) * 240; !p.PathsKnown || len(p.Paths) != want {
		t.Errorf("paths known %v: %d, want %d", p.PathsKnown, len(p.Paths), want)
	}
}
