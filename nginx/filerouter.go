package nginx

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"verdigris/deploy"
)

// Format is what FileRouter writes.
type Format string

// The formats of an include file.
const (
	FormatServer   Format = "server"   // server lines, to include inside an upstream block
	FormatUpstream Format = "upstream" // a whole upstream block
)

// FileRouter routes through an nginx that is not verdigris's own: it rewrites one file, which that nginx includes,
// and has it loaded. It satisfies deploy.Router; its holds have no gate, so requests do not wait and Route applies.
type FileRouter struct {
	// File is the include file. It is replaced by a rename, so a container must mount its directory.
	File   string
	Format Format
	// Upstream is the name of the block in FormatUpstream.
	Upstream string
	// URL is where requests for the app arrive, e.g. http://127.0.0.1/.
	URL string
	// Container runs the nginx; without one, Test and Reload are the commands to run.
	Container Container
	// Test and Reload are argument lists; no shell sees them. An empty Test leaves the test out.
	Test, Reload []string
	// TestTimeout and ReloadTimeout bound them. Default 10 s each.
	TestTimeout, ReloadTimeout time.Duration
	// Client sends the requests of Get; it must not follow redirects.
	Client *http.Client

	mu sync.Mutex // held while the file changes
}

var (
	_ deploy.Router = (*FileRouter)(nil)

	upstreamName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
)

// Check says what is wrong with the fields; it touches nothing.
func (r *FileRouter) Check() error {
	switch {
	case r.File == "":
		return errors.New("check file router: the include file is not set")
	case r.Format != FormatServer && r.Format != FormatUpstream:
		return fmt.Errorf("check file router: the format %q is neither %s nor %s", r.Format, FormatServer, FormatUpstream)
	case r.Format == FormatUpstream && !upstreamName.MatchString(r.Upstream):
		return fmt.Errorf("check file router: %q cannot be the name of an upstream", r.Upstream)
	case r.Container == nil && len(r.Reload) == 0:
		return errors.New("check file router: neither a container nor a reload command is set, so nginx would not see a change")
	}
	return nil
}

// Current reads the route from the first line of the include file. It is zero for a file that verdigris has not written.
func (r *FileRouter) Current(context.Context) (deploy.Route, error) {
	content, err := readIfThere(r.File)
	if err != nil {
		return deploy.Route{}, fmt.Errorf("read route: %w", err)
	}
	t, err := parseTruth(content)
	if errors.Is(err, errNoTruth) {
		return deploy.Route{}, nil
	}
	if err != nil {
		return deploy.Route{}, fmt.Errorf("read route: %s: %w", r.File, err)
	}
	return t.Route, nil
}

// Apply rewrites the include file, has nginx test it and reload. When either fails, the file before is back.
func (r *FileRouter) Apply(ctx context.Context, route deploy.Route) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.apply(ctx, route); err != nil {
		return fmt.Errorf("route to %s: %w", route.Slice, err)
	}
	return nil
}

func (r *FileRouter) apply(ctx context.Context, route deploy.Route) error {
	now, err := r.Current(ctx)
	if err != nil {
		return err
	}
	route.Generation = now.Generation + 1
	content, err := r.render(route)
	if err != nil {
		return err
	}
	before, err := readIfThere(r.File)
	if err != nil {
		return fmt.Errorf("read include file: %w", err)
	}
	if err := writeFile(r.File, content); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // the file and nginx must not be left apart
	if err := r.test(ctx); err != nil {
		return errors.Join(err, restoreFile(r.File, before))
	}
	if err := r.reload(ctx); err != nil {
		return errors.Join(err, r.putBack(ctx, before))
	}
	return nil
}

// putBack restores the file and lets nginx load it, in case the failed reload was not one.
func (r *FileRouter) putBack(ctx context.Context, before []byte) error {
	if err := restoreFile(r.File, before); err != nil {
		return err
	}
	if err := r.reload(ctx); err != nil {
		return fmt.Errorf("with the file before: %w", err)
	}
	return nil
}

func (r *FileRouter) render(route deploy.Route) ([]byte, error) {
	if err := errors.Join(r.Check(), checkRoute(route)); err != nil {
		return nil, err
	}
	header, err := truth{Route: route}.header()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	indent := ""
	fmt.Fprintf(&out, "%s\n# Written by verdigris; the line above is the truth about which slice is live.\n", header)
	if r.Format == FormatUpstream {
		fmt.Fprintf(&out, "upstream %s {\n", r.Upstream)
		indent = "    "
	}
	for _, e := range route.Endpoints {
		fmt.Fprintf(&out, "%sserver %s;\n", indent, e.Address)
	}
	if r.Format == FormatUpstream {
		out.WriteString("}\n")
	}
	return out.Bytes(), nil
}

// RoundTrip makes a request of a container from this machine: nobody can ask an nginx of somebody else's to make one.
func (r *FileRouter) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if opError := (*net.OpError)(nil); errors.As(err, &opError) && opError.Op == "dial" {
		return nil, &deploy.UnreachedError{Address: request.URL.Host, Reason: opError.Err.Error()}
	}
	return response, err
}

// Get requests the path from the app's URL. An nginx that does not pass X-Verdigris-Slice on cannot tell who
// answered; the slice of the include file is returned then.
func (r *FileRouter) Get(ctx context.Context, path string) (deploy.Reply, error) {
	client := r.Client
	if client == nil {
		client = newClient(r.URL)
	}
	reply, err := get(ctx, client, r.URL, path)
	if err != nil {
		return deploy.Reply{}, fmt.Errorf("get %s from %s: %w", path, strings.TrimSuffix(r.URL, "/"), err)
	}
	if reply.Slice == "" {
		route, err := r.Current(ctx)
		if err != nil {
			return reply, err
		}
		reply.Slice = route.Slice
	}
	return reply, nil
}
