package history

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"verdigris/test/load"
)

// Gallery makes clients of examples/gallery that enter in a history what they do to its albums. A client is one process.
type Gallery struct {
	URL     string
	History *History
	// Every is the least time from one request of a client to the next.
	Every time.Duration

	processes atomic.Int64
}

// head makes a picture of a value: the gallery takes nothing else.
const head = "GIF89a"

// Pusher puts numbered pictures into an album.
func (g *Gallery) Pusher(album string) load.Worker {
	process := g.process()
	value := func(i int) string { return fmt.Sprintf("%d-%d", process, i) }
	return g.client(album, process, Push, http.MethodPost, "/upload", value)
}

// Popper takes pictures out of an album.
func (g *Gallery) Popper(album string) load.Worker {
	return g.client(album, g.process(), Pop, http.MethodPost, "/pop", none)
}

// Peeker looks at the newest picture of an album.
func (g *Gallery) Peeker(album string) load.Worker {
	return g.client(album, g.process(), Peek, http.MethodGet, "/meow", none)
}

func none(int) string { return "" }

func (g *Gallery) process() int { return int(g.processes.Add(1)) }

func (g *Gallery) client(album string, process int, kind Kind, method, path string, value func(i int) string) load.Requests {
	target := g.URL + path + "?album=" + url.QueryEscape(album)
	return load.Requests{
		Kind: string(kind), Every: g.Every,
		Request: func(i int) (*http.Request, error) {
			if kind == Push {
				return load.Post(target, head+value(i), 0)
			}
			return http.NewRequest(method, target, nil)
		},
		Check: func(x load.Exchange) error {
			if outcome(x, kind) != OK {
				return fmt.Errorf("status %d", x.Status)
			}
			return nil
		},
		Record: func(x load.Exchange) { g.History.Add(entry(x, kind, album, process, value(x.I))) },
	}
}

// entry is the operation that an exchange was.
func entry(x load.Exchange, kind Kind, album string, process int, value string) Operation {
	op := Operation{
		Process: process, Key: album, Kind: kind, Value: value, Slice: x.Slice(),
		Called: x.Start, Returned: x.Start.Add(x.Took), Outcome: outcome(x, kind),
	}
	switch {
	case op.Outcome != OK:
		op.Note = cmp.Or(x.Err, fmt.Errorf("status %d", x.Status)).Error()
	case kind != Push && x.Status == http.StatusOK:
		op.Value = strings.TrimPrefix(string(x.Body), head)
	}
	return op
}

// outcome says what an answer tells about the list. Without one, or with an error of a server, it may have been changed.
func outcome(x load.Exchange, kind Kind) Outcome {
	empty := kind != Push && x.Status == http.StatusNotFound
	switch {
	case x.Err != nil || x.Status >= http.StatusInternalServerError:
		return Unknown
	case x.Status == http.StatusOK || x.Status == http.StatusCreated || empty:
		return OK
	}
	return Fail
}

// Drain empties an album, so that the history tells of every picture what has become of it.
func (g *Gallery) Drain(ctx context.Context, album string) error {
	popper := g.client(album, g.process(), Pop, http.MethodPost, "/pop", none)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	record := popper.Record
	popper.Every = 0
	popper.Record = func(x load.Exchange) {
		record(x)
		if x.Status == http.StatusNotFound || outcome(x, Pop) != OK {
			cancel()
		}
	}
	if report := load.Start(ctx, load.Plan{Workers: []load.Worker{popper}}).Wait(); report.Failed() > 0 {
		return fmt.Errorf("empty album %s: %s", album, report)
	}
	return nil
}
