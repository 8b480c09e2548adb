package server

import (
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"verdigris/deploy"
)

// Metrics counts what happens, for Prometheus. Give Ended and Routed to the controller as OnEnd and OnRoute.
type Metrics struct {
	registry    *prometheus.Registry
	handler     http.Handler
	deployments *prometheus.CounterVec
	phases      *prometheus.HistogramVec
	holds       *prometheus.HistogramVec
	held        *prometheus.GaugeVec
	live        *prometheus.GaugeVec
	deliveries  *prometheus.CounterVec
	requests    *prometheus.CounterVec
	durations   *prometheus.HistogramVec
	build       *prometheus.GaugeVec
}

// NewMetrics returns metrics that all stand at zero.
func NewMetrics() *Metrics {
	m := &Metrics{
		deployments: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "verdigris_deployments_total",
			Help: "Deployments that ended, by how."}, []string{"app", "kind", "state"}),
		phases: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "verdigris_phase_seconds",
			Help: "How long the phases of deployments took.", Buckets: []float64{.005, .02, .1, .5, 1, 2.5, 5, 10, 30, 60, 180, 600, 1800}}, []string{"app", "phase"}),
		holds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "verdigris_hold_seconds",
			Help: "How long cutovers took from hold to release.", Buckets: []float64{.01, .02, .04, .06, .1, .15, .25, .5, 1, 2.5, 5}}, []string{"app"}),
		held: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "verdigris_held_requests",
			Help: "How many requests waited at the gate in the newest deployment that moved the traffic."}, []string{"app"}),
		live: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "verdigris_live_slice",
			Help: "1 for the slice that takes the traffic, 0 for the other one."}, []string{"app", "slice"}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "verdigris_webhook_deliveries_total",
			Help: "Webhook deliveries, by what became of them."}, []string{"forge", "app", "result"}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "verdigris_http_requests_total",
			Help: "HTTP requests that were answered."}, []string{"method", "route", "status"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "verdigris_http_request_seconds",
			Help: "How long HTTP requests took.", Buckets: []float64{.001, .0025, .005, .01, .025, .1, .5, 2.5, 10}}, []string{"route"}),
		build: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "verdigris_build_info",
			Help: "Which verdigris this is; always 1."}, []string{"version", "go"}),
	}
	m.registry = prometheus.NewRegistry()
	m.registry.MustRegister(m.deployments, m.phases, m.holds, m.held, m.live, m.deliveries, m.requests, m.durations, m.build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.handler = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
	return m
}

// Version says which verdigris this is.
func (m *Metrics) Version(version string) { m.build.WithLabelValues(version, runtime.Version()).Set(1) }

// Ended counts a deployment that ended, its phases and what its cutover meant for requests.
func (m *Metrics) Ended(d deploy.Deployment) {
	m.deployments.WithLabelValues(d.App, string(d.Kind), string(d.State)).Inc()
	for _, p := range d.Phases {
		if p.State != deploy.PhaseRunning {
			m.phases.WithLabelValues(d.App, string(p.Phase)).Observe(p.Seconds())
		}
	}
	if hold, ok := d.Hold(); ok {
		m.holds.WithLabelValues(d.App).Observe(hold.Seconds())
		m.held.WithLabelValues(d.App).Set(float64(d.Held))
	}
}

// Routed notes which slice of an app is live.
func (m *Metrics) Routed(app string, live, _ deploy.Slice) {
	for _, slice := range []deploy.Slice{deploy.Blue, deploy.Green} {
		value := 0.0
		if slice == live {
			value = 1
		}
		m.live.WithLabelValues(app, string(slice)).Set(value)
	}
}

func (m *Metrics) delivery(forge, app, result string) {
	m.deliveries.WithLabelValues(forge, app, result).Inc()
}

// request takes the route's pattern, never the path: strangers choose paths, and each would be a series of its own.
func (m *Metrics) request(method, route string, status int, took time.Duration) {
	if route == "" {
		route = "none"
	}
	if !slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}, method) {
		method = "other"
	}
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	m.durations.WithLabelValues(route).Observe(took.Seconds())
}

func (m *Metrics) serve(c echo.Context) error {
	m.handler.ServeHTTP(c.Response(), c.Request())
	return nil
}
