package redisync

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// childJob is done by a process of its own, as verdigris is one: what it takes of memory and processor, and how it
// disturbs others, shows only apart from the test that watches it.
type childJob struct {
	Verb     string // one of childVerbs
	From, To string // the addresses of blue's redis and green's
	Keys     []string
}

// childReport is what a child says after each step.
type childReport struct {
	deploy.CopyReport
	PeakMemory int64 // of the process so far, in bytes
}

// childVerbs are what a child can do. Each takes a step at once and another one whenever the parent says so.
var childVerbs = map[string]func(d *Data, parent *bufio.Scanner) error{"copy": copyInChild, "mirror": mirrorInChild}

const childVariable = "VERDIGRIS_TEST_REDISYNC_JOB"

func init() { // before flags and tests: a child has none
	text := os.Getenv(childVariable)
	if text == "" {
		return
	}
	if err := beChild(text); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func beChild(text string) error {
	var job childJob
	if err := json.Unmarshal([]byte(text), &job); err != nil {
		return err
	}
	sides := map[deploy.Slice]Side{deploy.Blue: {Address: At(job.From)}, deploy.Green: {Address: At(job.To)}}
	d, err := New(Settings{Keys: job.Keys, Sides: sides})
	if err != nil {
		return err
	}
	return childVerbs[job.Verb](d, bufio.NewScanner(os.Stdin))
}

// copyInChild copies, and settles when the parent says that nothing writes any more.
func copyInChild(d *Data, parent *bufio.Scanner) error {
	ctx := context.Background()
	session, err := d.Begin(ctx, deploy.Blue, deploy.Green)
	if err != nil {
		return err
	}
	defer session.Close()
	report, err := session.Copy(ctx, nil)
	for err == nil {
		if err = sayReport(report); err != nil || !parent.Scan() {
			break
		}
		report, err = session.Settle(ctx)
	}
	return err
}

// mirrorInChild mirrors until the parent is silent. Each step begins when the mirror is in step.
func mirrorInChild(d *Data, parent *bufio.Scanner) error {
	d.Mirror(deploy.Blue)
	defer d.Mirror("")
	for {
		if err := awaitInStep(d); err != nil {
			return err
		}
		if err := sayReport(deploy.CopyReport{}); err != nil || !parent.Scan() {
			return err
		}
	}
}

func awaitInStep(d *Data) error {
	for deadline := time.Now().Add(time.Minute); d.Mirrored().State != deploy.MirrorInStep; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("the mirror is not in step: %+v", d.Mirrored())
		}
	}
	return nil
}

func sayReport(r deploy.CopyReport) error {
	peak, err := peakMemory()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(childReport{r, peak})
}

// peakMemory is the most that this process had in memory so far.
func peakMemory() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	var kilobytes int64
	_, err = fmt.Sscan(after, &kilobytes)
	return kilobytes << 10, err
}

type child struct {
	in     io.WriteCloser
	out    *json.Decoder
	errors *testkit.Buffer
}

// startChild starts a child, which the end of the test ends.
func startChild(t testing.TB, verb string, from, to *testServer, keys ...string) *child {
	t.Helper()
	job, err := json.Marshal(childJob{verb, from.address, to.address, keys})
	testkit.Must(t, err)
	self := exec.Command(os.Args[0])
	self.Env = append(os.Environ(), childVariable+"="+string(job))
	c := &child{errors: &testkit.Buffer{}}
	self.Stderr = c.errors
	in, err := self.StdinPipe()
	testkit.Must(t, err)
	out, err := self.StdoutPipe()
	testkit.Must(t, err)
	if err := self.Start(); err != nil {
		t.Fatal(err)
	}
	c.in, c.out = in, json.NewDecoder(out)
	t.Cleanup(func() {
		in.Close()
		self.Wait()
	})
	return c
}

// report waits for the end of the step at hand.
func (c *child) report(t testing.TB) (r childReport) {
	t.Helper()
	if err := c.out.Decode(&r); err != nil {
		t.Fatalf("the child ended: %v: %s", err, c.errors)
	}
	return r
}

// next tells the child to take its next step.
func (c *child) next(t testing.TB) {
	t.Helper()
	if _, err := io.WriteString(c.in, "\n"); err != nil {
		t.Fatal(err)
	}
}

// end lets the child go.
func (c *child) end() { c.in.Close() }
