package nginx

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"verdigris/deploy"

	"verdigris/internal/testkit"
)

// crashJob tells a second process of this test binary to hold requests and then wait to be killed.
type crashJob struct {
	Settings Settings
	PIDFile  string
	Next     deploy.Route
	Held     int  // requests to wait for
	Route    bool // route once they wait
}

const crashVariable = "VERDIGRIS_TEST_CRASH_JOB"

func TestMain(m *testing.M) {
	if text := os.Getenv(crashVariable); text != "" {
		if err := holdUntilKilled(text); err != nil {
			fmt.Println(err)
		}
		os.Exit(1)
	}
	testkit.SideBySide()
	os.Exit(m.Run())
}

func holdUntilKilled(text string) error {
	var job crashJob
	if err := json.Unmarshal([]byte(text), &job); err != nil {
		return err
	}
	r, err := New(job.Settings, localProcess{PIDFile: job.PIDFile}, localProcess{})
	if err != nil {
		return err
	}
	r.HoldTimeout, r.ReloadTimeout = patience, patience
	h, err := r.Hold(context.Background(), job.Next)
	if err != nil {
		return err
	}
	fmt.Println("holding")
	waitFor(h, job.Held)
	fmt.Println("waiting")
	if job.Route {
		if err := h.Route(context.Background()); err != nil {
			return err
		}
		fmt.Println("routed")
	}
	select {}
}

func waitFor(h deploy.Hold, n int) {
	g := h.(*hold).gate
	for held := 0; held < n; held, _ = g.count() {
		time.Sleep(5 * time.Millisecond)
	}
}

func (s *site) startController(t *testing.T, next deploy.Route, held int, route bool) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	job, err := json.Marshal(crashJob{s.settings, s.settings.run("router.pid"), next, held, route})
	testkit.Must(t, err)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashVariable+"="+string(job))
	out, err := cmd.StdoutPipe()
	testkit.Must(t, err)
	testkit.Must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // killed by the test already, when all went well
		_ = cmd.Wait()
	})
	return cmd, bufio.NewReader(out)
}

func expectLine(t *testing.T, out *bufio.Reader, want string) {
	t.Helper()
	if line, err := out.ReadString('\n'); err != nil || strings.TrimSpace(line) != want {
		t.Fatalf("the controller printed %q, %v", line, err)
	}
}

func TestVerdigrisKilledDuringAHoldLeavesTheOldSliceServing(t *testing.T) {
	t.Parallel()
	s, blue, green := twoSlices(t, nil)
	cmd, out := s.startController(t, green.route(), 1, false)
	expectLine(t, out, "holding")
	post := s.send(t, http.MethodPost, "/", "held", strings.NewReader("x"))
	expectLine(t, out, "waiting")
	if blue.count("POST held") != 0 {
		t.Error("the old slice got the request while it was held")
	}
	testkit.Must(t, cmd.Process.Signal(syscall.SIGKILL))
	if a := receive(t, post); a.status != http.StatusOK || a.slice != deploy.Blue {
		t.Errorf("%d from %s", a.status, a.slice)
	}
	if a := receive(t, s.send(t, http.MethodPost, "/", "later", strings.NewReader("x"))); a.slice != deploy.Blue {
		t.Errorf("later: %d from %s", a.status, a.slice)
	}

	// The next verdigris tidies up.
	again, err := New(s.settings, s.Process, s.Clients)
	testkit.Must(t, err)
	again.ReloadTimeout = patience
	prepared, err := again.Prepare(t.Context())
	testkit.Must(t, err)
	if !prepared.HoldEnded {
		t.Error("the hold was not ended")
	}
	now, err := readTruth(s.settings.conf(upstreamFile))
	testkit.Must(t, err)
	if now.Slice != deploy.Blue || now.Next != "" {
		t.Errorf("the truth is %+v", now)
	}
	h, err := again.Hold(t.Context(), green.route()) // over the dead one's socket
	testkit.Must(t, err)
	testkit.Must(t, h.Route(t.Context()))
	testkit.Must(t, h.Release(t.Context()))
	if _, slice, err := parted(s.Get(t.Context(), "/")); err != nil || slice != deploy.Green {
		t.Errorf("%s answers, %v", slice, err)
	}
}

func TestVerdigrisKilledAfterRouteSendsWhatWaitedToTheNewSlice(t *testing.T) {
	t.Parallel()
	s, blue, green := twoSlices(t, nil)
	cmd, out := s.startController(t, green.route(), 2, true)
	expectLine(t, out, "holding")
	one := s.send(t, http.MethodPost, "/", "one", strings.NewReader("x"))
	two := s.send(t, http.MethodPut, "/", "two", strings.NewReader("x"))
	expectLine(t, out, "waiting")
	expectLine(t, out, "routed")
	testkit.Must(t, cmd.Process.Signal(syscall.SIGKILL))
	for _, answers := range []<-chan answer{one, two} {
		if a := receive(t, answers); a.status != http.StatusOK || a.slice != deploy.Green {
			t.Errorf("%d from %s", a.status, a.slice)
		}
	}
	later := s.send(t, http.MethodPost, "/", "later", strings.NewReader("x"))
	if a := receive(t, later); a.status != http.StatusOK || a.slice != deploy.Green {
		t.Errorf("later: %d from %s", a.status, a.slice)
	}
	if blue.count("POST one")+blue.count("PUT two")+blue.count("POST later") != 0 {
		t.Error("a write reached the old slice")
	}

	// The router still holds; the next verdigris ends that.
	again, err := New(s.settings, s.Process, s.Clients)
	testkit.Must(t, err)
	again.ReloadTimeout = patience
	prepared, err := again.Prepare(t.Context())
	testkit.Must(t, err)
	if !prepared.HoldEnded {
		t.Error("the hold was not ended")
	}
	slice, err := s.admin().slice(t.Context())
	testkit.Must(t, err)
	now, err := again.truth()
	testkit.Must(t, err)
	if slice != deploy.Green || now.Slice != deploy.Green || now.Next != "" {
		t.Errorf("the router leads to %s, and the truth is %+v", slice, now)
	}
}

func TestAGateThatNeverAnswersDoesNotBlockTheSite(t *testing.T) {
	t.Parallel()
	s, _, green := twoSlices(t, nil)
	s.HoldTimeout, s.ConfirmTimeout = 400*time.Millisecond, time.Second
	h := s.holdTowards(t, green)
	g := h.(*hold).gate
	g.mu.Lock() // a process that stands still
	a := receive(t, s.send(t, http.MethodPost, "/", "1", strings.NewReader("x")))
	g.mu.Unlock()
	if a.status != http.StatusOK || a.slice != deploy.Blue {
		t.Errorf("%d from %s", a.status, a.slice)
	}
	if err := h.Route(t.Context()); err == nil {
		t.Error("routed although a request had slipped to the old slice")
	}
}
