package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// shutdownTimeout bounds the wait for requests in flight after SIGTERM.
const shutdownTimeout = 10 * time.Second

func main() {
	health := flag.Bool("health", false, "ask the gallery that runs in this container whether it is well, and exit 0 or 1")
	flag.Parse()
	if err := run(*health); err != nil {
		fmt.Fprintln(os.Stderr, "gallery:", err)
		os.Exit(1)
	}
}

func run(health bool) error {
	cfg, err := configFromEnv()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if health {
		return askHealth(ctx, "http://"+net.JoinHostPort("127.0.0.1", cfg.port)+"/health")
	}
	listener, err := net.Listen("tcp", ":"+cfg.port)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	return serve(ctx, listener, cfg)
}

// serve answers requests until ctx ends, and then lets those in flight finish.
func serve(ctx context.Context, listener net.Listener, cfg config) error {
	store := newStore(cfg)
	defer store.close()
	site := newGallery(cfg, store)
	server := &http.Server{
		Handler:           site,
		ReadHeaderTimeout: 5 * time.Second,
		// Longer than a proxy keeps idle connections: the proxy, which knows what it is about to send, closes first.
		IdleTimeout: 2 * time.Minute,
	}
	server.RegisterOnShutdown(site.streams.close)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	slog.Info("gallery is up", "port", cfg.port, "redis", cfg.redisAddr, "slice", cfg.slice, "release", cfg.release)

	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(ending); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("shut down: %w", err)
	}
	site.streams.open.Wait() // the server does not know of websockets; each ends within seconds of being told
	return nil
}
