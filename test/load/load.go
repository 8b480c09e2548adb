// Package load sends HTTP requests as the hardest clients do: on kept connections, without ever repeating one, and
// counting everything. It is bounded by its context and by the pauses between a client's requests.
package load

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Worker describes one client's requests.
type Worker struct {
	// Request makes the i-th request, counted from 0.
	Request func(i int) (*http.Request, error)
	// Check looks at an answer; nil accepts any status below 400. An error counts as a failure.
	Check func(i, status int, header http.Header, body []byte) error
	// Pause is the time between an answer and the next request.
	Pause time.Duration
}

// Report says what became of the requests.
type Report struct {
	Sent, Failed int
	// Longest is the longest time that an answer took.
	Longest time.Duration
	// Errors counts failures by what they say.
	Errors map[string]int
}

// String lists the report on one line for a log.
func (r Report) String() string {
	s := fmt.Sprintf("%d requests, %d failed, longest %d ms", r.Sent, r.Failed, r.Longest.Milliseconds())
	for _, e := range slices.Sorted(maps.Keys(r.Errors)) {
		s += fmt.Sprintf("; %dx %s", r.Errors[e], e)
	}
	return s
}

// Load is a running load.
type Load struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
	mu     sync.Mutex
	report Report
}

// Start sends the workers' requests to the server at host:port, each worker on a connection of its own, until Stop.
func Start(ctx context.Context, address string, workers ...Worker) *Load {
	ctx, cancel := context.WithCancel(ctx)
	l := &Load{cancel: cancel, report: Report{Errors: map[string]int{}}}
	for _, w := range workers {
		l.done.Go(func() { l.work(ctx, NewClient(address), w) })
	}
	return l
}

// Stop lets each worker end its request and returns the report.
func (l *Load) Stop() Report {
	l.cancel()
	l.done.Wait()
	return l.report
}

// Sent returns how many requests have been answered or have failed so far.
func (l *Load) Sent() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.report.Sent
}

// requestTimeout is far above what any hold takes: a request that runs into it has failed.
const requestTimeout = 30 * time.Second

func (l *Load) work(ctx context.Context, c *Client, w Worker) {
	defer c.Close()
	for i := 0; ctx.Err() == nil; i++ {
		start := time.Now()
		err := one(c, w, i)
		l.count(time.Since(start), err)
		select {
		case <-ctx.Done():
		case <-time.After(w.Pause):
		}
	}
}

// one makes a request that outlives the load's end: a request cut off by the client proves nothing.
func one(c *Client, w Worker, i int) error {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	request, err := w.Request(i)
	if err != nil {
		return err
	}
	status, header, body, err := c.Do(ctx, request)
	switch {
	case err != nil:
		return err
	case w.Check != nil:
		return w.Check(i, status, header, body)
	case status >= http.StatusBadRequest:
		return fmt.Errorf("status %d", status)
	}
	return nil
}

func (l *Load) count(took time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.report.Sent++
	l.report.Longest = max(l.report.Longest, took)
	if err != nil {
		l.report.Failed++
		l.report.Errors[err.Error()]++
	}
}
