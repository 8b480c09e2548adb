package nginx

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"verdigris/deploy"

	"verdigris/internal/testkit"
)

// traffic is 16 clients that keep their connections, never retry and note every fault.
type traffic struct {
	acked   sync.Map // the ids of acknowledged POSTs
	total   atomic.Int64
	stop    context.CancelFunc
	running sync.WaitGroup

	mu     sync.Mutex
	faults []string
}

func startTraffic(t *testing.T, addr string) *traffic {
	ctx, cancel := context.WithCancel(t.Context())
	tr := &traffic{stop: cancel}
	t.Cleanup(tr.end)
	for n := range 16 {
		tr.running.Go(func() { tr.client(ctx, addr, n) })
	}
	return tr
}

func (tr *traffic) client(ctx context.Context, addr string, n int) {
	c := &rawClient{addr: addr}
	defer c.close()
	for i := 0; ctx.Err() == nil; i++ {
		method, size := http.MethodGet, 0
		switch i % 4 {
		case 1:
			method, size = http.MethodPost, 300
		case 3:
			method, size = http.MethodPost, 40<<10
		}
		tr.request(c, method, fmt.Sprintf("%d-%d", n, i), size)
	}
}

func (tr *traffic) request(c *rawClient, method, id string, size int) {
	r, err := http.NewRequest(method, "http://"+c.addr+"/work", strings.NewReader(strings.Repeat("x", size)))
	if err != nil {
		tr.fault("%s %s: %v", method, id, err)
		return
	}
	r.Header.Set("X-Id", id)
	status, slice, body, err := c.do(r)
	tr.total.Add(1)
	switch {
	case err != nil:
		c.close()
		tr.fault("%s %s: %v", method, id, err)
	case status != http.StatusOK || slice != body:
		tr.fault("%s %s: status %d, slice %q, body %q", method, id, status, slice, body)
	case method == http.MethodPost:
		tr.acked.Store(method+" "+id, true)
	}
}

func (tr *traffic) fault(format string, args ...any) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.faults = append(tr.faults, fmt.Sprintf(format, args...))
}

func (tr *traffic) end() {
	tr.stop()
	tr.running.Wait()
}

// check ends the traffic and looks for failed, lost and doubled requests.
func (tr *traffic) check(t *testing.T, backends ...*backend) {
	t.Helper()
	tr.end()
	if len(tr.faults) > 0 {
		t.Errorf("%d of %d requests failed, the first: %s", len(tr.faults), tr.total.Load(), tr.faults[0])
	}
	posts := 0
	tr.acked.Range(func(id, _ any) bool {
		posts++
		n := 0
		for _, b := range backends {
			n += b.count(id.(string))
		}
		if n != 1 {
			t.Errorf("%s was acknowledged and is there %d times", id, n)
		}
		return true
	})
	for _, b := range backends {
		if len(b.late) > 0 {
			t.Errorf("%d requests reached %s while its data settled, the first: %s", len(b.late), b.slice, b.late[0])
		}
	}
	if posts == 0 {
		t.Error("there was no traffic to speak of")
	}
	t.Logf("%d requests, %d of them POSTs", tr.total.Load(), posts)
}

func TestNoRequestFailsWhileRoutesAreApplied(t *testing.T) {
	t.Parallel()
	s, blue, green := twoSlices(t, nil)
	tr := startTraffic(t, s.addr)
	for i := range 20 {
		s.goLive(t, []*backend{green, blue}[i%2])
	}
	tr.check(t, blue, green)
}

func TestNoRequestFailsOrSlipsToTheOldSliceDuringCutovers(t *testing.T) {
	t.Parallel()
	s, blue, green := twoSlices(t, nil)
	s.HoldTimeout = patience
	green.seal(true)
	tr := startTraffic(t, s.addr)
	var longest time.Duration
	from, to := blue, green
	for range 20 {
		held, wait := s.cutover(t, from, to)
		longest = max(longest, wait)
		if held == 0 {
			t.Error("nobody waited")
		}
		from, to = to, from
	}
	t.Logf("the longest wait was %s", longest)
	tr.check(t, blue, green)
}

// cutover moves the traffic. From the end of the drain on, the old slice must not get a single request.
func (s *site) cutover(t *testing.T, from, to *backend) (held int, longest time.Duration) {
	t.Helper()
	h, err := s.Hold(t.Context(), to.route())
	testkit.Must(t, err)
	left, err := h.Drain(t.Context(), patience)
	testkit.Must(t, err)
	if left != 0 {
		t.Errorf("%d requests were left", left)
	}
	from.seal(true)
	to.seal(false)
	testkit.Must(t, h.Route(t.Context()))
	testkit.Must(t, h.Release(t.Context()))
	return h.Waited()
}

func TestTheEdgeIsNotReloadedByDeployments(t *testing.T) {
	t.Parallel()
	s, blue, green := twoSlices(t, nil)
	c := &rawClient{addr: s.addr}
	defer c.close()
	for i := range 6 {
		r, err := http.NewRequest(http.MethodGet, s.url+"/", nil)
		testkit.Must(t, err)
		status, slice, _, err := c.do(r) // always on the same connection
		testkit.Must(t, err)
		if want := []deploy.Slice{deploy.Blue, deploy.Green}[i%2]; status != http.StatusOK || slice != string(want) {
			t.Errorf("%d from %s instead of %s", status, slice, want)
		}
		if c.conn == nil {
			t.Fatal("the edge closed the connection")
		}
		s.goLive(t, []*backend{green, blue}[i%2])
	}
}
