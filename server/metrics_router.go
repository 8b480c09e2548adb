package server

import (
	"github.com/prometheus/client_golang/prometheus"
)

// routerCollector tells at each scrape what the routers have last said.
type routerCollector struct {
	controller Controller
	confirmed  *prometheus.Desc
}

func newRouterCollector(controller Controller) *routerCollector {
	return &routerCollector{controller, prometheus.NewDesc("verdigris_router_confirmed",
		"1 while the router itself says that it sends requests where its files say, 0 while that is not certain.", []string{"app"}, nil)}
}

// Describe names the metric.
func (r *routerCollector) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- r.confirmed }

// Collect has one value for each app.
func (r *routerCollector) Collect(metrics chan<- prometheus.Metric) {
	for _, app := range r.controller.Apps() {
		routing, err := r.controller.Routing(app)
		if err != nil {
			continue
		}
		value := 0.0
		if routing.Confirmed {
			value = 1
		}
		metrics <- prometheus.MustNewConstMetric(r.confirmed, prometheus.GaugeValue, value, app)
	}
}
