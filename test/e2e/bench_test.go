package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
	"verdigris/webhooks"
)

// The benchmarks run a fixed amount of work, whatever b.N is, and report what they measured as metrics: what they
// measure has states (a slice is live, a queue is empty) that a repetition count cannot choose.

// noWatch ends a deployment with its cutover.
var noWatch = watch("duration: 0s")

// BenchmarkDeliveryToLive measures the time from an accepted delivery to the confirmed route, with the image unchanged
// and an app that is ready at once, against docker-compose up -d of the same service.
func BenchmarkDeliveryToLive(b *testing.B) {
	s := newSite(b, setting("interval: 50ms, successes: 2,", "interval: 100ms, successes: 1,"), noWatch).blueLive()
	const rounds = 7
	var ours, compose []time.Duration
	for i := range rounds {
		idle := s.idle()
		s.ask(http.MethodPost, "/stop/"+string(idle), "", http.StatusNoContent, nil)
		d := s.want(s.push(s.commit(fmt.Sprint("round ", i))), deploy.StateSucceeded)
		ours = append(ours, untilRoute(d))
		b.Log(phaseTimes(d))
		s.ask(http.MethodPost, "/stop/"+string(s.idle()), "", http.StatusNoContent, nil)
		compose = append(compose, s.composeUp(s.idle(), string(d.Commit)))
	}
	report(b, "ms-to-live", ours, compose, "x-compose-up")
}

func untilRoute(d deploy.Deployment) time.Duration {
	for _, p := range d.Phases {
		if p.Phase == deploy.PhaseRelease || p.Phase == deploy.PhaseRoute && d.From == "" {
			return p.EndedAt.Sub(d.CreatedAt)
		}
	}
	return 0
}

// phaseTimes lists where a deployment's time went, in milliseconds.
func phaseTimes(d deploy.Deployment) string {
	var text strings.Builder
	for _, p := range d.Phases {
		fmt.Fprintf(&text, "%s %.0f ", p.Phase, p.Seconds()*1000)
	}
	return text.String()
}

func (s *site) idle() deploy.Slice {
	status := s.status()
	return status.Live.Other()
}

// composeUp measures docker-compose up -d of a slice's file in a project of its own, with the image that is there.
func (s *site) composeUp(slice deploy.Slice, tag string) time.Duration {
	s.t.Helper()
	project := s.app + "-" + string(slice)
	compose := func(args ...string) time.Duration {
		cmd := exec.Command("docker-compose", append([]string{"-p", project, "-f", "docker-compose." + string(slice) + ".yml"}, args...)...)
		cmd.Dir = s.repo
		cmd.Env = append(os.Environ(), "IMAGE_TAG="+tag)
		start := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil {
			s.t.Fatalf("docker-compose %v: %v\n%s", args, err, out)
		}
		return time.Since(start)
	}
	compose("build")
	took := compose("up", "-d")
	compose("down")
	return took
}

func report(b *testing.B, unit string, ours, theirs []time.Duration, ratio string) {
	b.Helper()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(median(ours).Microseconds())/1000, unit)
	b.ReportMetric(float64(median(ours))/float64(median(theirs)), ratio)
	b.Logf("ours %v, theirs %v", ours, theirs)
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// hook is one way to deliver: a url and the headers and body of a push of about 10 kB.
type hook struct {
	url    string
	header func() http.Header
	body   []byte
}

// BenchmarkWebhook measures verified deliveries of 10 kB a second, each a new delivery of a commit that is live, so
// that all of the receiver's work is done (verify, parse, filter, journal) and no deployment follows. With
// PEER_WEBHOOK, adnanh/webhook verifies the same bodies and runs /bin/true for each.
func BenchmarkWebhook(b *testing.B) {
	s := newSite(b).blueLive()
	commit := s.commit("second")
	s.want(s.push(commit), deploy.StateSucceeded)
	ours := s.hook(b, commit)
	const deliveries = 5000
	rate := throughput(b, ours, deliveries)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(rate, "deliveries/s")
	p99 := latency(b, ours, 500, 10*time.Second)
	b.ReportMetric(float64(p99.Microseconds())/1000, "p99-ms-at-500/s")
	peer := os.Getenv("PEER_WEBHOOK")
	if peer == "" {
		b.Log("PEER_WEBHOOK is not set: the comparison with adnanh/webhook is left out")
		return
	}
	theirs := startPeer(b, peer, ours)
	b.ReportMetric(rate/throughput(b, theirs, deliveries), "x-peer")
}

func (s *site) hook(b *testing.B, commit string) hook {
	b.Helper()
	var commits []webhooks.SampleCommit
	for i := range 6 {
		commits = append(commits, webhooks.SampleCommit{ID: deploy.Commit(commit), Message: strings.Repeat(fmt.Sprint("change ", i, " "), 20), Added: []string{"app/gallery"}})
	}
	body, err := webhooks.NewPush(webhooks.SamplePush{Repository: "someone/" + s.app, Ref: "refs/heads/main", After: deploy.Commit(commit), Commits: commits})
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("a body has %d bytes", len(body))
	return hook{"http://127.0.0.1:" + s.ports["api"] + "/webhooks/github", func() http.Header {
		return webhooks.NewDelivery("push", "application/json", s.secret, body)
	}, body}
}

// startPeer runs adnanh/webhook with a hook that checks the same signature.
func startPeer(b *testing.B, program string, h hook) hook {
	b.Helper()
	port := strconv.Itoa(testkit.FreePort(b))
	file := filepath.Join(b.TempDir(), "hooks.json")
	config := []map[string]any{{"id": "push", "execute-command": "/bin/true", "trigger-rule": map[string]any{
		"match": map[string]any{"type": "payload-hmac-sha256", "secret": "peer", "parameter": map[string]any{"source": "header", "name": "X-Hub-Signature-256"}},
	}}}
	text, err := json.Marshal(config)
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(program, "-hooks", file, "-ip", "127.0.0.1", "-port", port)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	peer := hook{"http://127.0.0.1:" + port + "/hooks/push", func() http.Header {
		return webhooks.NewDelivery("push", "application/json", "peer", h.body)
	}, h.body}
	testkit.Within(b, testkit.Patience, "the peer answers", func() error { return peer.deliver(http.DefaultClient) })
	return peer
}

func (h hook) deliver(c *http.Client) error {
	request, err := http.NewRequest(http.MethodPost, h.url, bytes.NewReader(h.body))
	if err != nil {
		return err
	}
	request.Header = h.header()
	status, body := answer(c.Do(request))
	if status != http.StatusOK && status != http.StatusAccepted {
		return fmt.Errorf("status %d: %s", status, body)
	}
	return nil
}

// throughput delivers n times over eight kept connections and returns how many a second that were.
func throughput(b *testing.B, h hook, n int) float64 {
	b.Helper()
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	var left atomic.Int64
	left.Store(int64(n))
	var done sync.WaitGroup
	start := time.Now()
	for range 8 {
		done.Go(func() {
			for left.Add(-1) >= 0 {
				if err := h.deliver(client); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	done.Wait()
	return float64(n) / time.Since(start).Seconds()
}

// latency delivers at a steady rate, whether or not answers come, and returns the 99th percentile.
func latency(b *testing.B, h hook, rate int, during time.Duration) time.Duration {
	b.Helper()
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	var mu sync.Mutex
	var took []time.Duration
	var done sync.WaitGroup
	for range int(during.Seconds()) * rate {
		start := <-tick.C
		done.Go(func() {
			err := h.deliver(client)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				b.Error(err)
			}
			took = append(took, time.Since(start))
		})
	}
	done.Wait()
	slices.Sort(took)
	return took[len(took)*99/100]
}

// BenchmarkMemory reports verdigris's resident memory after 10,000 deliveries and 50, 100 and 200 deployments.
func BenchmarkMemory(b *testing.B) {
	s := newSite(b, noWatch).blueLive()
	commit := s.commit("second")
	s.want(s.push(commit), deploy.StateSucceeded)
	throughput(b, s.hook(b, commit), 10_000)
	b.ReportMetric(0, "ns/op")
	for i := 1; i <= 200; i++ {
		s.want(s.push(s.commit(fmt.Sprint("deploy ", i))), deploy.StateSucceeded)
		if i == 50 || i == 100 || i == 200 {
			b.ReportMetric(s.resident(), fmt.Sprintf("MB-after-%d", i))
		}
	}
}

// resident returns the resident memory of verdigris in MB.
func (s *site) resident() float64 {
	s.t.Helper()
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.serve.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(content)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.Atoi(strings.Fields(value)[0])
			if err != nil {
				s.t.Fatal(err)
			}
			return float64(kb) / 1024
		}
	}
	s.t.Fatal("no VmRSS")
	return 0
}
