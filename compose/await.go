package compose

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/container"
	"golang.org/x/sync/errgroup"

	"verdigris/deploy"
)

// containerError is an error about one container, whose log may say more.
type containerError struct {
	id  string
	err error
}

func (e *containerError) Error() string { return e.err.Error() }
func (e *containerError) Unwrap() error { return e.err }

// pollInterval is how often a container that is waited for is looked at.
const pollInterval = 50 * time.Millisecond

// verdict is what a look at a container says about a condition: not yet, true, or never (an error).
type verdict func(c container.InspectResponse) (done bool, err error)

// awaitDependency waits until all containers of the service meet the condition.
func (x *execution) awaitDependency(ctx context.Context, d dependency) error {
	for _, m := range x.members(d.service) {
		var err error
		switch d.condition {
		case types.ServiceConditionHealthy:
			err = x.await(ctx, m, "become healthy", x.healthy)
		case types.ServiceConditionCompletedSuccessfully:
			err = x.await(ctx, m, "complete", completed)
		}
		if err != nil && d.required {
			return err
		}
		if err != nil {
			x.log("note: " + err.Error() + "; the dependency is not required")
		}
	}
	return nil
}

// members are the service's containers that run, or are to.
func (x *execution) members(service string) []member {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.running[service])
}

// awaitAll waits until every container of the plan runs and is not unhealthy; one that has done its work and ended
// with 0 counts too, unless the engine would start it again.
func (x *execution) awaitAll(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for service, members := range x.running {
		for _, m := range members {
			group.Go(func() error { return x.await(ctx, m, "become ready", x.started(service)) })
		}
	}
	return group.Wait()
}

// started is met when the container has become healthy or, without a healthcheck, has run for the settle time. The web
// service need not settle: whoever starts a slice asks it over HTTP next, and that tells more.
func (x *execution) started(service string) verdict {
	web := service == x.settings.Web
	return func(c container.InspectResponse) (bool, error) {
		if ended(c) && c.State.ExitCode == 0 && !web && !restarts(c) {
			return true, nil
		}
		if web && c.State.Running && c.State.Health == nil && c.RestartCount == 0 {
			return true, nil
		}
		return x.healthy(c)
	}
}

func (x *execution) healthy(c container.InspectResponse) (bool, error) {
	if c.State.Restarting || c.RestartCount > 0 && !steady(c, x.Settle) {
		return false, fmt.Errorf("it exited with status %d and is being restarted", c.State.ExitCode)
	}
	if ended(c) {
		return false, fmt.Errorf("it exited with status %d", c.State.ExitCode)
	}
	if c.State.Health == nil || c.State.Health.Status == container.NoHealthcheck {
		return steady(c, x.Settle), nil
	}
	if c.State.Health.Status == container.Unhealthy {
		return false, fmt.Errorf("it is unhealthy%s", lastProbe(c.State.Health))
	}
	return c.State.Health.Status == container.Healthy, nil
}

func completed(c container.InspectResponse) (bool, error) {
	if !ended(c) {
		return false, nil
	}
	if c.State.ExitCode != 0 {
		return false, fmt.Errorf("it exited with status %d", c.State.ExitCode)
	}
	return true, nil
}

func ended(c container.InspectResponse) bool {
	return c.State.Status == "exited" || c.State.Status == "dead"
}

func restarts(c container.InspectResponse) bool {
	name := c.HostConfig.RestartPolicy.Name
	return name == container.RestartPolicyAlways || name == container.RestartPolicyUnlessStopped
}

// steady tells whether the container has run without interruption for the time.
func steady(c container.InspectResponse, settle time.Duration) bool {
	since, err := time.Parse(time.RFC3339Nano, c.State.StartedAt)
	return err == nil && c.State.Running && time.Since(since) >= settle
}

// lastProbe quotes what the healthcheck printed last.
func lastProbe(h *container.Health) string {
	if len(h.Log) == 0 || h.Log[len(h.Log)-1].Output == "" {
		return ""
	}
	return fmt.Sprintf(": the healthcheck says %q", clip(h.Log[len(h.Log)-1].Output, 200))
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "..."
}

// await looks at the container until the verdict is in, for at most HealthTimeout.
func (x *execution) await(ctx context.Context, m member, what string, v verdict) error {
	late := fmt.Errorf("it did not %s within %s", what, x.HealthTimeout)
	bounded, cancel := context.WithTimeoutCause(ctx, x.HealthTimeout, late)
	defer cancel()
	for {
		c, err := x.engine.inspect(bounded, m.id)
		done := false
		if err == nil {
			done, err = v(c)
		}
		if done {
			return nil
		}
		if err == nil {
			err = pause(bounded, pollInterval)
		}
		if err != nil {
			return &containerError{m.id, fmt.Errorf("container %s: %w", m.name, reason(ctx, err, what))}
		}
	}
}

// reason tells the caller's deadline, which means that the container was too slow, from its cancellation.
func reason(ctx context.Context, err error, what string) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("it did not %s in the time given: %w", what, context.DeadlineExceeded)
	}
	return err
}

func (e *Engine) inspect(ctx context.Context, id string) (container.InspectResponse, error) {
	var c container.InspectResponse
	err := e.do(ctx, "look at the container", func(ctx context.Context) (err error) {
		c, err = e.client.ContainerInspect(ctx, id)
		return err
	})
	return c, err
}

// lastLines is how much of a failing container's log an error carries.
const lastLines = 20

// withLog adds the container's last lines to an error about it.
func (r *Runtime) withLog(ctx context.Context, err error) error {
	var failed *containerError
	if !errors.As(err, &failed) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.engine.Timeout)
	defer cancel()
	lines, logErr := r.engine.tail(ctx, failed.id, lastLines)
	if logErr != nil {
		lines = []string{"(its log cannot be read: " + logErr.Error() + ")"}
	}
	return &deploy.LoggedError{Err: err, Lines: lines}
}
