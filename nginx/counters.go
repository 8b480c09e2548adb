package nginx

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
)

// writing finds the requests that nginx is at work on in its page of counters (ngx_http_stub_status_module).
var writing = regexp.MustCompile(`Writing: (\d+)`)

// serving returns how many requests the router is serving now, those that wait at the gate and websockets included.
// All generations of its workers share nginx's counters, so old workers' requests are among them.
func (a admin) serving(ctx context.Context) (int, error) {
	page, err := a.get(ctx, "/status")
	if err != nil {
		return 0, fmt.Errorf("ask router for its counters: %w", err)
	}
	found := writing.FindStringSubmatch(page)
	if found == nil {
		return 0, fmt.Errorf("ask router for its counters: it answers %q", page)
	}
	n, err := strconv.Atoi(found[1])
	return max(n-1, 0), err // the question is one of them
}
