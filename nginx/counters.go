package nginx

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
)

// What nginx's page of counters says (ngx_http_stub_status_module): the requests that it is at work on, and the
// connections that it has accepted.
var (
	writing = regexp.MustCompile(`Writing: (\d+)`)
	active  = regexp.MustCompile(`Active connections: (\d+)`)
)

// serving returns how many requests the router is serving now, those that wait at the gate and websockets included.
// All generations of its workers share nginx's counters, so old workers' requests are among them.
func (a admin) serving(ctx context.Context) (int, error) { return a.count(ctx, writing) }

// accepted returns how many connections the router's workers have.
func (a admin) accepted(ctx context.Context) (int, error) { return a.count(ctx, active) }

// count reads one of the counters, in each of which the question itself counts.
func (a admin) count(ctx context.Context, counter *regexp.Regexp) (int, error) {
	page, _, err := a.get(ctx, "/status")
	if err != nil {
		return 0, fmt.Errorf("ask router for its counters: %w", err)
	}
	found := counter.FindStringSubmatch(page)
	if found == nil {
		return 0, fmt.Errorf("ask router for its counters: it answers %q", page)
	}
	n, err := strconv.Atoi(found[1])
	return max(n-1, 0), err
}
