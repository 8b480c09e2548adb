// Package load puts load on a site as its hardest clients do: requests on kept connections that are never repeated,
// uploads of megabytes, websockets and event streams that are held for long. It counts everything, and says of what
// failed what it was and when it began.
//
// It is what the end-to-end tests and `verdigris bench` drive a site with.
package load

import (
	"context"
	"crypto/tls"
	"sync"
	"sync/atomic"
	"time"
)

// Worker is one client: Requests, WebSocket or Events.
type Worker interface {
	// work goes on until ctx ends or the load's count is used up, and enters what it did.
	work(ctx context.Context, l *Load)
}

// Plan says what load there is to be.
type Plan struct {
	Workers []Worker
	// Count bounds how much all workers do together: requests, echoes and events. Time bounds how long. 0 is no bound.
	Count int
	Time  time.Duration
	// Watch, where it is set, is told of everything that the workers do, one thing at a time.
	Watch func(Entry)
	// TLS is for https; the system's certificates are trusted when it is nil.
	TLS *tls.Config
}

// Entry is one thing that a worker did.
type Entry struct {
	Kind  string // of the worker, e.g. "requests"
	Start time.Time
	Took  time.Duration
	// Slice is the slice that answered, where the answer says so.
	Slice string
	// Closed tells that the server ended a websocket or an event stream in the proper way. That is no failure.
	Closed bool
	Err    error
}

// Load is a running load.
type Load struct {
	plan   Plan
	cancel context.CancelFunc
	done   chan struct{}
	left   atomic.Int64

	mu    sync.Mutex
	kinds map[string]*Tally
}

// Start runs the workers of a plan, each on connections of its own, until a bound is reached, ctx ends or Stop.
func Start(ctx context.Context, plan Plan) *Load {
	ctx, cancel := within(ctx, plan.Time)
	l := &Load{plan: plan, cancel: cancel, done: make(chan struct{}), kinds: map[string]*Tally{}}
	l.left.Store(int64(plan.Count))
	var workers sync.WaitGroup
	for _, w := range plan.Workers {
		workers.Go(func() { w.work(ctx, l) })
	}
	go func() {
		workers.Wait()
		cancel()
		close(l.done)
	}()
	return l
}

// within returns a context that ends after that time, where there is one.
func within(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if limit > 0 {
		return context.WithTimeout(ctx, limit)
	}
	return context.WithCancel(ctx)
}

// Stop lets each worker end what it is doing and returns the report.
func (l *Load) Stop() Report {
	l.cancel()
	return l.Wait()
}

// Wait waits until a bound is reached and returns the report.
func (l *Load) Wait() Report {
	<-l.done
	return l.Report()
}

// Report says what there has been so far.
func (l *Load) Report() Report {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := Report{Kinds: map[string]Tally{}}
	for kind, t := range l.kinds {
		r.Kinds[kind] = t.clone()
	}
	return r
}

// Sent returns how much the workers have done so far.
func (l *Load) Sent() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	sent := 0
	for _, t := range l.kinds {
		sent += t.Sent
	}
	return sent
}

// may tells whether the count allows one thing more.
func (l *Load) may() bool { return l.plan.Count == 0 || l.left.Add(-1) >= 0 }

func (l *Load) enter(e Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t, ok := l.kinds[e.Kind]
	if !ok {
		t = &Tally{}
		l.kinds[e.Kind] = t
	}
	t.add(e)
	if l.plan.Watch != nil {
		l.plan.Watch(e)
	}
}
