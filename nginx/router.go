package nginx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"verdigris/deploy"
)

// Router is the pair of edge and router of one app. It satisfies deploy.Router. Its methods may be called from
// several goroutines; changes are made one at a time.
type Router struct {
	// Process is the nginx of the router.
	Process Process
	// Clients is where the edge runs.
	Clients Clients
	// HoldTimeout bounds how long requests wait at the gate before the hold is called off. Default 5 s.
	HoldTimeout time.Duration
	// MaxHeld is how many requests may wait at once; one more calls the hold off. Default 1000.
	MaxHeld int
	// ReloadTimeout bounds a reload, from the signal to the confirmation. Default 5 s.
	ReloadTimeout time.Duration
	// TestTimeout bounds nginx -t. Default 5 s.
	TestTimeout time.Duration
	// Client sends the requests of Get; it must not follow redirects.
	Client *http.Client
	Log    *slog.Logger

	settings Settings
	mu       sync.Mutex // held while the configuration changes
	holding  bool       // guarded by mu
	leavers  leavers    // belongs to the hold that there is
}

var _ deploy.Router = (*Router)(nil)

// New returns the router of an app. Nothing is read or written yet: Prepare does that.
func New(s Settings, router Process, edge Clients) (*Router, error) {
	s = s.withDefaults()
	if err := s.validate(); err != nil {
		return nil, fmt.Errorf("set up nginx of %s: %w", s.App, err)
	}
	if len(s.Edge.Listen) == 0 {
		return nil, fmt.Errorf("set up nginx of %s: the edge listens nowhere", s.App)
	}
	return &Router{
		Process:       router,
		Clients:       edge,
		HoldTimeout:   5 * time.Second,
		MaxHeld:       1000,
		ReloadTimeout: 5 * time.Second,
		TestTimeout:   5 * time.Second,
		Client:        newClient(s.Edge.URL),
		Log:           slog.New(slog.NewTextHandler(io.Discard, nil)),
		settings:      s,
		leavers:       leavers{},
	}, nil
}

// Current reads the route from the upstream file. During a hold it is the old one.
func (r *Router) Current(context.Context) (deploy.Route, error) {
	t, err := readTruth(r.settings.conf(upstreamFile))
	return t.Route, err
}

// Apply tests the route's configuration, puts it in force and waits until the router confirms it. When nginx
// refuses it or does not confirm it within ReloadTimeout, the configuration before is in force again.
func (r *Router) Apply(ctx context.Context, route deploy.Route) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.holding {
		return &deploy.ConflictError{Reason: "requests wait at the gate", Next: "let the cutover end first"}
	}
	if err := r.apply(ctx, route); err != nil {
		return fmt.Errorf("route to %s: %w", route.Slice, err)
	}
	return nil
}

func (r *Router) apply(ctx context.Context, route deploy.Route) error {
	content, generation, err := r.renderNext(route)
	if err != nil {
		return err
	}
	if err := r.test(ctx, content); err != nil {
		return err
	}
	c, err := r.candidate(ctx, content, generation)
	if err != nil {
		return err
	}
	return r.install(ctx, c)
}

// renderNext renders the route as the generation after the one in the upstream file.
func (r *Router) renderNext(route deploy.Route) (content []byte, generation uint64, err error) {
	now, err := readTruth(r.settings.conf(upstreamFile))
	if err != nil {
		return nil, 0, err
	}
	route.Generation = now.Generation + 1
	content, err = renderRoute(r.settings, route)
	return content, route.Generation, err
}

// settleOn does what apply does; a router that does not run finds the route in the file when it starts.
func (r *Router) settleOn(ctx context.Context, route deploy.Route) error {
	err := r.apply(ctx, route)
	if !errors.Is(err, ErrNotRunning) {
		return err
	}
	content, _, err := r.renderNext(route)
	if err != nil {
		return err
	}
	return writeFile(r.settings.conf(upstreamFile), content)
}

// Get requests the path through the edge.
func (r *Router) Get(ctx context.Context, path string) (int, deploy.Slice, error) {
	status, slice, err := get(ctx, r.Client, r.settings.Edge.URL, path)
	if err != nil {
		return 0, "", fmt.Errorf("get %s through the edge: %w", path, edgeHint(err))
	}
	return status, slice, nil
}

func edgeHint(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return &deploy.HintedError{Err: err, Next: "see whether the edge runs (verdigris up starts it) and whether the url of router.edge is right"}
}
