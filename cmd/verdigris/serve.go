package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"verdigris/compose"
	"verdigris/config"
	"verdigris/deploy"
	"verdigris/server"
	"verdigris/store"
)

func (c *cli) serveCommand() *cobra.Command {
	var logging logOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the daemon: API, webhooks and deployments, until SIGTERM or Ctrl-C",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := logging.logger(c.err)
			if err != nil {
				return err
			}
			cfg, err := c.load()
			if err != nil {
				return err
			}
			warnings, err := cfg.Preflight()
			if err != nil {
				return err
			}
			for _, warning := range warnings {
				log.Warn("configuration", "warning", warning)
			}
			return serve(cmd.Context(), cfg, log)
		},
	}
	logging.flags(cmd)
	return cmd
}

// serve runs the daemon until ctx ends. What was opened is closed in the reverse order.
func serve(ctx context.Context, cfg *config.Config, log *slog.Logger) (err error) {
	var closers []func() error
	defer func() {
		for i := len(closers) - 1; i >= 0; i-- {
			err = errors.Join(err, closers[i]())
		}
	}()
	// The lock comes first: it keeps a second daemon away from everything below.
	lock, err := lockState(string(cfg.StateDir))
	if err != nil {
		return err
	}
	closers = append(closers, lock.Close)
	local, err := server.ListenLocal(string(cfg.Server.Socket))
	if err != nil {
		return err
	}
	closers = append(closers, closed(local))
	network, err := net.Listen("tcp", cfg.Server.Listen)
	if err != nil {
		return &deploy.HintedError{
			Err:  fmt.Errorf("start the API: %w", err),
			Next: "stop what listens on " + cfg.Server.Listen + ", or choose another server.listen",
		}
	}
	closers = append(closers, closed(network))
	journal, err := store.Open(ctx, cfg.Journal())
	if err != nil {
		return err
	}
	closers = append(closers, journal.Close)
	engine, err := compose.Connect(ctx)
	if err != nil {
		return err
	}
	closers = append(closers, engine.Close)

	apps, err := assembleAll(ctx, cfg, engine, log)
	if err != nil {
		return err
	}
	controller, err := newController(apps, journal, log)
	if err != nil {
		return err
	}
	api, err := newServer(cfg, controller, journal, engine, log)
	if err != nil {
		return err
	}
	defer onHangup(func() {
		log.Warn("SIGHUP changes nothing: a changed verdigris.yml is read when verdigris serve is restarted, which interrupts no request")
	})()
	log.Info("serving", "version", versionString(), "address", network.Addr().String(), "socket", cfg.Server.Socket, "apps", cfg.Names())
	err = runBoth(ctx, controller.Run, func(ctx context.Context) error { return api.Serve(ctx, network, local) })
	log.Info("stopped")
	return err
}

// onHangup has SIGHUP call tell, instead of ending the process, until stop is called: many reload their daemons so.
func onHangup(tell func()) (stop func()) {
	hangups, over := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(hangups, syscall.SIGHUP)
	go func() {
		for {
			select {
			case <-hangups:
				tell()
			case <-over:
				return
			}
		}
	}()
	return func() {
		signal.Stop(hangups)
		close(over)
	}
}

// runBoth runs the worker and the API until ctx ends or the API fails, and waits for both.
func runBoth(ctx context.Context, work func(context.Context), api func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	worked := make(chan struct{})
	go func() {
		defer close(worked)
		work(ctx)
	}()
	err := api(ctx)
	cancel()
	<-worked
	return err
}

// assembleAll joins the parts of every app, and ends a hold that a crash may have left behind.
func assembleAll(ctx context.Context, cfg *config.Config, engine *compose.Engine, log *slog.Logger) ([]*parts, error) {
	var all []*parts
	for _, name := range cfg.Names() {
		p, err := assemble(cfg, cfg.Apps[name], engine, log)
		if err != nil {
			return nil, err
		}
		if p.nginx != nil {
			prepared, err := p.nginx.Prepare(ctx)
			if err != nil {
				return nil, inApp(p.app, err)
			}
			if prepared.EdgeChanged {
				log.Warn("the edge's configuration has changed; verdigris up --reload-edge puts it in force", "app", name)
			}
			if prepared.HoldLeft != nil {
				log.Warn("a hold from before could not be ended; requests go to the live slice nevertheless", "app", name, "error", prepared.HoldLeft)
			}
			if prepared.HoldEnded {
				log.Warn("requests were still held from before; they go to the live slice now", "app", name)
			}
		}
		all = append(all, p)
	}
	return all, nil
}

// closed closes a listener that the server may have closed already.
func closed(listener net.Listener) func() error {
	return func() error {
		if err := listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	}
}
