package compose

import (
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/container"
)

// healthAttributes say how the engine tells whether the container works.
var healthAttributes = []attribute{
	{name: "healthcheck", parts: "test timeout interval retries start_period disable", apply: mapHealth},
}

func mapHealth(b *blueprint, s types.ServiceConfig) error {
	h := s.HealthCheck
	if h == nil {
		return nil
	}
	if h.Disable {
		b.Config.Healthcheck = &container.HealthConfig{Test: []string{"NONE"}}
		return nil
	}
	b.Config.Healthcheck = &container.HealthConfig{
		Test:        h.Test,
		Timeout:     duration(h.Timeout),
		Interval:    duration(h.Interval),
		StartPeriod: duration(h.StartPeriod),
	}
	if h.Retries != nil {
		b.Config.Healthcheck.Retries = int(*h.Retries)
	}
	return nil
}

func duration(d *types.Duration) time.Duration {
	if d == nil {
		return 0
	}
	return time.Duration(*d)
}
