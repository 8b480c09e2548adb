package compose

import (
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/container"
)

// restartModes are the conditions of restart and of deploy.restart_policy, and what the Engine calls them.
var restartModes = map[string]container.RestartPolicyMode{
	"":               "",
	"no":             container.RestartPolicyDisabled,
	"none":           container.RestartPolicyDisabled,
	"on-failure":     container.RestartPolicyOnFailure,
	"unless-stopped": container.RestartPolicyUnlessStopped,
	"any":            container.RestartPolicyAlways,
	"always":         container.RestartPolicyAlways,
}

func mapRestart(b *blueprint, s types.ServiceConfig) error {
	if s.Restart == "" {
		return nil
	}
	condition, count, counted := strings.Cut(s.Restart, ":")
	attempts := 0
	if counted {
		var err error
		if attempts, err = strconv.Atoi(count); err != nil || attempts < 0 {
			return b.refuse(s, "restart", s.Restart, "the number of attempts is not a number")
		}
	}
	return b.restart(s, "restart", condition, attempts)
}

// mapRestartPolicy comes after restart and wins over it, as in Compose.
func mapRestartPolicy(b *blueprint, s types.ServiceConfig) error {
	if s.Deploy == nil || s.Deploy.RestartPolicy == nil {
		return nil
	}
	policy, attempts := s.Deploy.RestartPolicy, 0
	if policy.MaxAttempts != nil {
		attempts = int(*policy.MaxAttempts)
	}
	return b.restart(s, "deploy.restart_policy", policy.Condition, attempts)
}

// restart refuses what the Engine would refuse when it creates the container.
func (b *blueprint) restart(s types.ServiceConfig, key, condition string, attempts int) error {
	mode, ok := restartModes[condition]
	if !ok {
		return b.refuse(s, key, condition, "the conditions are no, always, unless-stopped and on-failure")
	}
	if attempts != 0 && mode != "" && mode != container.RestartPolicyOnFailure {
		return b.refuse(s, key, condition, "only on-failure counts attempts")
	}
	b.Host.RestartPolicy = container.RestartPolicy{Name: mode, MaximumRetryCount: attempts}
	return nil
}
