package server

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"verdigris/deploy"
)

// mirrorStates are the values of the label state of verdigris_mirror_state.
var mirrorStates = []deploy.MirrorState{
	deploy.MirrorOff, deploy.MirrorConnecting, deploy.MirrorCopying, deploy.MirrorInStep, deploy.MirrorPaused,
	deploy.MirrorBroken, deploy.MirrorImpossible,
}

// mirrorCollector asks at each scrape how the mirrors stand: a lag that was noted before would be of no use.
type mirrorCollector struct {
	controller         Controller
	lag, state, strays *prometheus.Desc
}

func newMirrorCollector(controller Controller) *mirrorCollector {
	return &mirrorCollector{
		controller: controller,
		lag: prometheus.NewDesc("verdigris_mirror_lag_seconds",
			"How long the newest write took to the standby, or the oldest that has not arrived has been on its way.", []string{"app"}, nil),
		state: prometheus.NewDesc("verdigris_mirror_state",
			"1 for the state that the mirror is in, 0 for the others.", []string{"app", "state"}, nil),
		strays: prometheus.NewDesc("verdigris_stray_writes_total",
			"Writes to selected keys that came to the slice that is not live.", []string{"app"}, nil),
	}
}

// Describe names the metrics.
func (m *mirrorCollector) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- m.lag
	descriptions <- m.state
	descriptions <- m.strays
}

// Collect leaves out apps without data.
func (m *mirrorCollector) Collect(metrics chan<- prometheus.Metric) {
	for _, app := range m.controller.Apps() {
		mirroring, err := m.controller.Mirroring(context.Background(), app)
		if err != nil {
			continue
		}
		m.collect(metrics, app, mirroring.Mirror)
	}
}

func (m *mirrorCollector) collect(metrics chan<- prometheus.Metric, app string, status deploy.MirrorStatus) {
	for _, state := range mirrorStates {
		value := 0.0
		if state == status.State {
			value = 1
		}
		metrics <- prometheus.MustNewConstMetric(m.state, prometheus.GaugeValue, value, app, string(state))
	}
	// A mirror that does not run has no lag, which is not the same as a lag of nothing.
	switch status.State {
	case deploy.MirrorInStep, deploy.MirrorPaused, deploy.MirrorBroken:
		metrics <- prometheus.MustNewConstMetric(m.lag, prometheus.GaugeValue, status.LagMS/1e3, app)
	}
	strays := 0.0
	if status.Strays != nil {
		strays = float64(status.Strays.Count)
	}
	metrics <- prometheus.MustNewConstMetric(m.strays, prometheus.CounterValue, strays, app)
}
