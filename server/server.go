package server

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"verdigris/deploy"
)

// Controller carries out what the API asks for; deploy.Controller is one.
type Controller interface {
	Apps() []string
	Deploy(ctx context.Context, app string, r deploy.DeployRequest) (deploy.Deployment, error)
	Switch(ctx context.Context, app string, r deploy.SwitchRequest) (deploy.Deployment, error)
	PlanSwitch(ctx context.Context, app string, r deploy.SwitchRequest) (deploy.SwitchPlan, error)
	Rollback(ctx context.Context, app string, t deploy.Trigger) (deploy.Deployment, error)
	Push(ctx context.Context, app string, p deploy.Push) (deploy.Outcome, error)
	Stop(ctx context.Context, app string, s deploy.Slice) error
	Mirroring(ctx context.Context, app string) (deploy.Mirroring, error)
	SetMirroring(ctx context.Context, app string, req deploy.MirrorRequest) (deploy.Mirroring, error)
	Routing(app string) (deploy.Routing, error)
	Status(ctx context.Context, app string) (deploy.Status, error)
	Deployments(ctx context.Context, app string, limit int) ([]deploy.Deployment, error)
	Deployment(ctx context.Context, id int64) (deploy.Deployment, error)
	Events(ctx context.Context, id, after int64) (<-chan deploy.Event, error)
}

var _ Controller = (*deploy.Controller)(nil)

// Server answers HTTP requests. The fields may be changed until Handler or Serve is called.
type Server struct {
	// DefaultApp serves the routes that name no app; New sets it to the first app.
	DefaultApp string
	// Hooks receive deliveries, by forge ("github") and app. An app without one has no webhook.
	Hooks map[string]map[string]Hook
	// Verify tells whose token it is; ok is false for a token that opens nothing. Without it, no token opens.
	Verify func(ctx context.Context, token string) (name string, ok bool, err error)
	// PublicRead lets requests that change nothing pass without a token.
	PublicRead bool
	// Ready are the checks behind /ready. Everyone may ask, so they run once in ReadyEvery at most.
	Ready      []Check
	ReadyEvery time.Duration
	// Metrics counts what happens; New makes one.
	Metrics *Metrics
	// Logger takes the access log and internal errors; slog.Default() when nil.
	Logger *slog.Logger

	// MaxDelivery and MaxBody bound the bodies of webhooks and of other requests, in bytes.
	MaxDelivery, MaxBody int64
	// ReadTimeout bounds the reading of a request, WriteTimeout the whole answer but for event streams,
	// IdleTimeout the wait for the next request on a connection.
	ReadTimeout, WriteTimeout, IdleTimeout time.Duration
	// StopTimeout bounds the stop of a slice's containers.
	StopTimeout time.Duration
	// Heartbeat is how often a silent event stream shows that it is alive.
	Heartbeat time.Duration
	// Grace is how long requests under way may take to end when the server stops.
	Grace time.Duration
	// MaxStreams bounds the event streams that are open at once.
	MaxStreams int

	controller Controller
	readiness  readiness
	guesses    guesses
	streams    chan struct{}
	large      chan struct{}
	closing    chan struct{}
	once       sync.Once
	handler    *echo.Echo
}

// New returns a server with the defaults of the documentation. GitHub allows 25 MB for a delivery and waits 10
// seconds for the answer.
func New(controller Controller) *Server {
	s := &Server{
		Metrics:     NewMetrics(),
		MaxDelivery: 25 << 20, MaxBody: 1 << 20,
		ReadTimeout: time.Minute, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute, StopTimeout: 5 * time.Minute,
		ReadyEvery: 2 * time.Second,
		Heartbeat:  15 * time.Second, Grace: 10 * time.Second, MaxStreams: 256,
		controller: controller,
		closing:    make(chan struct{}),
	}
	s.Metrics.registry.MustRegister(newMirrorCollector(controller), newRouterCollector(controller))
	if apps := controller.Apps(); len(apps) > 0 {
		s.DefaultApp = apps[0]
	}
	return s
}

// Handler returns what answers requests that come over the network.
func (s *Server) Handler() http.Handler {
	s.once.Do(func() {
		s.streams = make(chan struct{}, s.MaxStreams)
		s.large = make(chan struct{}, maxLarge)
		s.handler = s.routes()
	})
	return s.handler
}

func (s *Server) logger() *slog.Logger {
	if s.Logger != nil {
		return s.Logger
	}
	return slog.Default()
}
