package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"verdigris/deploy"
)

// progress shows a deployment while it goes on.
type progress interface {
	begin(d deploy.Deployment)
	event(e deploy.Event)
	end(d deploy.Deployment)
}

// How often, and how often in a row, a lost event stream is taken up again: the daemon may be restarting.
const (
	retryEvery = 500 * time.Millisecond
	retries    = 60
)

// follow shows a deployment until it has ended. When ctx ends first it stops showing, the deployment goes on, and
// the error says so.
func (c *cli) follow(ctx context.Context, api *client, d deploy.Deployment) error {
	show := c.progress()
	show.begin(d)
	d, err := watch(ctx, api, d, show)
	if ctx.Err() != nil {
		return c.interrupted(d)
	}
	if err != nil {
		return err
	}
	show.end(d)
	if d.State != deploy.StateSucceeded {
		return &endedError{Deployment: d}
	}
	return nil
}

func watch(ctx context.Context, api *client, d deploy.Deployment, show progress) (deploy.Deployment, error) {
	var last int64
	for failures := 0; ; {
		before := last
		err := api.events(ctx, d.ID, last, func(e deploy.Event) {
			last = e.Seq
			show.event(e)
		})
		if err == nil {
			now, getErr := api.deployment(ctx, d.ID)
			if getErr == nil && now.State.Ended() {
				return now, nil
			}
			err = getErr
		}
		if last > before {
			failures = 0
		}
		failures++
		if refused := (*problemError)(nil); ctx.Err() != nil || errors.As(err, &refused) && refused.Status < 500 || failures > retries {
			return d, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(retryEvery):
		}
	}
}

// interrupted tells a person who pressed Ctrl-C what goes on without them.
func (c *cli) interrupted(d deploy.Deployment) error {
	if !c.json {
		fmt.Fprintf(c.err, "\nno longer following; deployment %d goes on: verdigris history %d\n", d.ID, d.ID)
	}
	return &silentError{code: exitInterrupt}
}

// finish follows a new deployment or, when detached, just says which it is.
func (c *cli) finish(ctx context.Context, api *client, d deploy.Deployment, detach bool) error {
	if !detach {
		return c.follow(ctx, api, d)
	}
	if c.json {
		return c.writeJSON(d)
	}
	fmt.Fprintf(c.out, "deployment %d is %s: verdigris history %d\n", d.ID, d.State, d.ID)
	return nil
}
