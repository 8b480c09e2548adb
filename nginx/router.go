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
	// ReloadTimeout bounds a reload, from the signal to the confirmation, and each question about the router's processes.
	// TestTimeout bounds nginx -t. A busy machine takes seconds to start a process in a container, and nobody waits
	// meanwhile. Default a minute each.
	ReloadTimeout, TestTimeout time.Duration
	// ConfirmTimeout bounds what requests do wait for: that the router sees that the route has turned. It is never longer than
	// ReloadTimeout. Default 5 s.
	ConfirmTimeout time.Duration
	// Client sends the requests of Get; it must not follow redirects.
	Client *http.Client
	Log    *slog.Logger

	settings Settings
	mu       sync.Mutex // held while the configuration changes; it guards what follows
	holding  bool
	issued   uint64  // the newest generation that was written; 0 before there was one
	leavers  leavers // belongs to the hold that there is
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
		Process:        router,
		Clients:        edge,
		HoldTimeout:    5 * time.Second,
		MaxHeld:        1000,
		ReloadTimeout:  time.Minute,
		TestTimeout:    time.Minute,
		ConfirmTimeout: 5 * time.Second,
		Client:         newClient(s.Edge.URL),
		Log:            slog.New(slog.NewTextHandler(io.Discard, nil)),
		settings:       s,
		leavers:        leavers{},
	}, nil
}

func (r *Router) confirmTimeout() time.Duration { return min(r.ReloadTimeout, r.ConfirmTimeout) }

// Current reads the route from the files. During a hold it is the old one, until the hold's sign turns.
func (r *Router) Current(context.Context) (deploy.Route, error) {
	t, err := r.truth()
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
	now, err := r.truth()
	if err != nil {
		return err
	}
	over, err := r.oldSigns(now)
	if err != nil {
		return err
	}
	content, generation, err := r.renderNext(ctx, route)
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
	if err := r.install(ctx, c, nobodyWaits); err != nil {
		return err
	}
	if err := r.alignSigns(); err != nil {
		r.Log.Warn("a worker from an earlier hold may send requests elsewhere", "app", r.settings.App, "error", err)
	}
	r.tidy(ctx, over)
	return nil
}

// renderNext renders the route as the generation after the newest.
func (r *Router) renderNext(ctx context.Context, route deploy.Route) (content []byte, generation uint64, err error) {
	now, err := r.truth()
	if err != nil {
		return nil, 0, err
	}
	route.Generation = r.newest(ctx, now) + 1
	r.issued = route.Generation
	content, err = renderRoute(r.settings, route)
	return content, route.Generation, err
}

// newest is the largest generation that there is or may be: in the files, in a router that was given one which did not stay,
// and among those that were written here. A number that comes twice would confirm what was not loaded.
func (r *Router) newest(ctx context.Context, now truth) uint64 {
	newest := max(now.Generation, now.loaded, r.issued)
	if r.issued == 0 {
		if running, err := r.admin().generation(ctx); err == nil { // one that does not answer cannot confirm either
			newest = max(newest, running)
		}
	}
	return newest
}

// settleOn does what apply does. A router that was seen not to run finds the route in the file when it starts; one that has
// started meanwhile may have read the file before, and is asked.
func (r *Router) settleOn(ctx context.Context, route deploy.Route) error {
	err := r.apply(ctx, route)
	if !errors.Is(err, ErrNotRunning) {
		return err
	}
	content, generation, err := r.renderNext(ctx, route)
	if err != nil {
		return err
	}
	if err := writeFile(r.settings.conf(upstreamFile), content); err != nil {
		return err
	}
	workers, err := r.workers(ctx)
	switch {
	case errors.Is(err, ErrNotRunning):
		return nil
	case err != nil:
		return err
	}
	return r.reload(ctx, workers, generation, nobodyWaits)
}

// Get requests the path through the edge.
func (r *Router) Get(ctx context.Context, path string) (deploy.Reply, error) {
	reply, err := get(ctx, r.Client, r.settings.Edge.URL, path)
	if err != nil {
		return deploy.Reply{}, fmt.Errorf("get %s through the edge: %w", path, edgeHint(err))
	}
	return reply, nil
}

func edgeHint(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return &deploy.HintedError{Err: err, Next: "see whether the edge runs (verdigris up starts it) and whether the url of router.edge is right"}
}
