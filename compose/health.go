package compose

import (
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/container"
)

// healthAttributes say how the engine tells whether the container works.
var healthAttributes = []attribute{
	{name: "healthcheck", parts: "test timeout interval retries start_period disable", apply: mapHealth},
	{name: "healthcheck.start_interval", since: "1.44"},
}

// mapHealth leaves out what the file leaves out: the Engine then takes it from the image, the test as well as the times.
func mapHealth(b *blueprint, s types.ServiceConfig) error {
	h := s.HealthCheck
	if h == nil {
		return nil
	}
	if h.StartInterval != nil && h.StartPeriod == nil {
		return b.refuse(s, "healthcheck.start_interval", h.StartInterval.String(), "without a start_period it never counts")
	}
	check := &container.HealthConfig{
		Test:          h.Test,
		Timeout:       duration(h.Timeout),
		Interval:      duration(h.Interval),
		StartPeriod:   duration(h.StartPeriod),
		StartInterval: duration(h.StartInterval),
	}
	if h.Disable {
		check.Test = []string{"NONE"}
	}
	if h.Retries != nil {
		check.Retries = int(*h.Retries)
	}
	b.Config.Healthcheck = check
	return nil
}

func duration(d *types.Duration) time.Duration {
	if d == nil {
		return 0
	}
	return time.Duration(*d)
}
