package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"verdigris/deploy"
)

// sharedPart is one of the shared services that verdigris can ask over the network.
type sharedPart struct {
	name, service string
	ask           func(context.Context) error
}

// sharedParts are the app's edge, router and redis, as far as they are services of its shared compose files.
func (p *parts) sharedParts() []sharedPart {
	var all []sharedPart
	if p.nginx != nil {
		all = append(all,
			sharedPart{"the router", p.app.Router.Service, func(ctx context.Context) error {
				_, err := p.nginx.Ask(ctx)
				return err
			}},
			sharedPart{"the edge", p.app.Router.Edge.Service, func(ctx context.Context) error {
				_, err := p.nginx.Get(ctx, "/")
				return err
			}})
	}
	for _, slice := range []deploy.Slice{deploy.Blue, deploy.Green} {
		if p.data != nil && p.app.Data.Of(slice).Service != "" {
			all = append(all, sharedPart{"redis of " + string(slice), p.app.Data.Of(slice).Service, func(ctx context.Context) error {
				return p.data.Ping(ctx, slice)
			}})
		}
	}
	return all
}

// awaitShared waits until the shared services answer that verdigris needs, whether or not they have a healthcheck.
func (c *cli) awaitShared(ctx context.Context, p *parts) error {
	if len(p.app.Compose.Shared) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(p.app.Timeouts.Start))
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	for _, part := range p.sharedParts() {
		group.Go(func() error {
			if err := c.awaitPart(ctx, part); err != nil {
				return &deploy.HintedError{
					Err:  fmt.Errorf("%s does not answer: %w", part.name, err),
					Next: fmt.Sprintf("verdigris logs shared --service %s --app %s; timeouts.start (%s) bounds the wait", part.service, p.app.Name, time.Duration(p.app.Timeouts.Start)),
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// awaitPart asks until the part answers, and says so where that takes longer than a few seconds.
func (c *cli) awaitPart(ctx context.Context, part sharedPart) error {
	began, isSaid := time.Now(), false
	for {
		err := part.ask(ctx)
		if err == nil {
			return nil
		}
		if !isSaid && time.Since(began) > 3*time.Second {
			c.say(fmt.Sprintf("wait for %s: %v", part.name, err))
			isSaid = true
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}
