package load

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"
)

// sliceHeader is where the router says which slice answered.
const sliceHeader = "X-Verdigris-Slice"

// requestTimeout is far above what any hold takes: a request that runs into it has failed.
const requestTimeout = 30 * time.Second

// Requests is a client that sends one request after another on a kept connection.
type Requests struct {
	// Kind is what the report calls them; "requests" when empty.
	Kind string
	// Request makes the i-th request, counted from 0.
	Request func(i int) (*http.Request, error)
	// Check looks at an answer; nil accepts any status below 400. An error counts as a failure.
	Check func(Exchange) error
	// Record, where it is set, is told of every request, those without an answer too.
	Record func(Exchange)
	// Every is the least time from one request to the next.
	Every time.Duration
}

// Exchange is one request and what came back.
type Exchange struct {
	// I is the number of the request, counted from 0.
	I      int
	Start  time.Time
	Took   time.Duration
	Status int
	Header http.Header
	Body   []byte
	// Err says why there is no whole answer. Whether the request was carried out is not known then.
	Err error
}

// Slice returns the slice that answered, where the answer says so.
func (x Exchange) Slice() string { return x.Header.Get(sliceHeader) }

func (w Requests) work(ctx context.Context, l *Load) {
	c := &Client{TLS: l.plan.TLS}
	defer c.Close()
	pace, failed := pace{every: w.Every}, false
	for i := 0; pace.wait(ctx, failed) && l.may(); i++ {
		x := w.exchange(c, i)
		err := w.judge(x)
		if w.Record != nil {
			w.Record(x)
		}
		l.enter(Entry{Kind: cmp.Or(w.Kind, "requests"), Start: x.Start, Took: x.Took, Slice: x.Slice(), Err: err})
		failed = err != nil
	}
}

// exchange makes a request that outlives the load's end: a request cut off by the client proves nothing.
func (w Requests) exchange(c *Client, i int) (x Exchange) {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	x = Exchange{I: i, Start: time.Now()}
	request, err := w.Request(i)
	if err != nil {
		x.Err = fmt.Errorf("make request: %w", err)
		return x
	}
	x.Start = time.Now()
	x.Status, x.Header, x.Body, x.Err = c.Do(ctx, request)
	x.Took = time.Since(x.Start)
	return x
}

func (w Requests) judge(x Exchange) error {
	switch {
	case x.Err != nil:
		return x.Err
	case w.Check != nil:
		return w.Check(x)
	case x.Status >= http.StatusBadRequest:
		return fmt.Errorf("status %d", x.Status)
	}
	return nil
}
