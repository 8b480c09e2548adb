package compose

import (
	"context"
	"fmt"
	"time"

	"github.com/docker/docker/api/types/container"

	"verdigris/deploy"
)

// runToEnd makes a container, lets it run to its end and returns its id. A status other than 0 is a deploy.LoggedError with
// the last lines that it printed.
func (x *execution) runToEnd(ctx context.Context, b *blueprint, log deploy.Log) (string, error) {
	id, err := x.create(ctx, b)
	if err != nil {
		return id, err
	}
	if err := x.start(ctx, member{id, b.Name}, b.Config.Labels); err != nil {
		return id, x.withLog(ctx, err)
	}
	last := newRing(lastLines)
	err = x.engine.stream(ctx, id, container.LogsOptions{Follow: true}, func(_ time.Time, line string) error {
		log(line)
		last.add(line)
		return nil
	})
	if err != nil {
		return id, err
	}
	status, err := x.engine.wait(ctx, id)
	switch {
	case err != nil:
		return id, fmt.Errorf("wait for container %s: %w", b.Name, err)
	case status != 0:
		return id, &deploy.LoggedError{Err: fmt.Errorf("container %s exited with status %d", b.Name, status), Lines: last.lines}
	}
	return id, nil
}

// wait returns the status with which the container ends.
func (e *Engine) wait(ctx context.Context, id string) (int64, error) {
	ended, failed := e.client.ContainerWait(ctx, id, container.WaitConditionNotRunning)
	select {
	case end := <-ended:
		if end.Error != nil {
			return 0, fmt.Errorf("%s", end.Error.Message)
		}
		return end.StatusCode, nil
	case err := <-failed:
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		return 0, e.explain(err)
	}
}
