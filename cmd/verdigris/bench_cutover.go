package main

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"verdigris/deploy"
	"verdigris/test/load"
)

// bench is one run of bench cutover.
type bench struct {
	*cli
	*benchOptions
	api   *client
	site  *url.URL
	load  *load.Load
	split split
	done  []cutover

	orders  int   // how many cutovers were ordered
	running int64 // the one that has not ended; 0 when there is none
}

func (c *cli) benchCutover(ctx context.Context, o *benchOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	b := &bench{cli: c, benchOptions: o}
	var err error
	if b.site, err = c.benchSite(o); err != nil {
		return err
	}
	if b.api, err = c.client(); err != nil {
		return err
	}
	if err := ready(ctx, b.api); err != nil {
		return err
	}
	if err := answers(ctx, b.site, o.get); err != nil {
		return err
	}
	return b.run(ctx)
}

// run loads the site while the rounds go on, and reports however they end.
func (b *bench) run(ctx context.Context) error {
	b.say("loading %s: %d clients, %d uploaders, %d websockets\n", b.site, b.clients, b.uploads, b.sockets)
	b.load = load.Start(context.WithoutCancel(ctx), load.Plan{
		Workers: b.workers(b.site), TLS: siteTLS(b.site), Watch: b.split.watch,
	})
	err := b.goRound(ctx)
	report := b.load.Stop()
	b.split.end()
	if printErr := b.print(report); printErr != nil {
		return printErr
	}
	switch {
	case ctx.Err() != nil:
		b.leave()
		return &silentError{code: exitInterrupt}
	case err != nil:
		return err
	case report.Failed() > 0:
		return &silentError{code: exitFailed}
	}
	return nil
}

// goRound switches and rolls back until there have been enough rounds, or one fails.
func (b *bench) goRound(ctx context.Context) error {
	begin := time.Now()
	more := func(round int) bool {
		if b.time > 0 {
			return time.Since(begin) < b.time
		}
		return round <= b.rounds
	}
	to := func(ctx context.Context) (deploy.Deployment, error) { return b.api.switchTo(ctx, "") }
	for round := 1; more(round); round++ {
		for _, order := range []func(context.Context) (deploy.Deployment, error){to, b.api.rollback} {
			if err := b.calm(ctx); err != nil {
				return err
			}
			if err := b.move(ctx, round, order); err != nil {
				return err
			}
		}
	}
	return b.calm(ctx)
}

// calm lets the load go on without a cutover for a while.
func (b *bench) calm(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(b.pause):
		return nil
	}
}

// move orders a cutover and waits for its end.
func (b *bench) move(ctx context.Context, round int, order func(context.Context) (deploy.Deployment, error)) error {
	b.orders++
	d, err := order(ctx)
	if err != nil {
		return err
	}
	b.running = d.ID
	d, err = watch(ctx, b.api, d, silent{})
	if err != nil {
		return err
	}
	one := cutoverOf(d)
	b.done, b.running = append(b.done, one), 0
	b.split.cutover(one.window)
	report := b.load.Report()
	b.say("round %d: %s; so far %d requests, %d failed\n", round, one, report.Sent(), report.Failed())
	if d.State != deploy.StateSucceeded {
		b.sayEnd(d)
		return &endedError{Deployment: d}
	}
	return nil
}

// leave tells who pressed Ctrl-C what goes on, or stays as it is, without them.
func (b *bench) leave() {
	if b.json {
		return
	}
	if b.running != 0 {
		fmt.Fprintf(b.err, "\ndeployment %d goes on: verdigris history %d\n", b.running, b.running)
	}
	if b.orders%2 == 1 {
		fmt.Fprintln(b.err, "\nthe round was not ended: `verdigris status` tells which slice is live, `verdigris rollback` goes back")
	}
}

// say tells people how far it is.
func (b *bench) say(format string, args ...any) {
	if !b.json {
		fmt.Fprintf(b.out, format, args...)
	}
}

func (b *bench) sayEnd(d deploy.Deployment) {
	if !b.json {
		writeEnd(b.out, d, nil)
	}
}

// silent shows nothing of a deployment: bench has a line of its own for each.
type silent struct{}

func (silent) begin(deploy.Deployment) {}
func (silent) event(deploy.Event)      {}
func (silent) end(deploy.Deployment)   {}
