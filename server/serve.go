package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Serve answers on both listeners until ctx ends, and then lets requests under way come to their end for up to
// Grace. Requests over the local listener, see ListenLocal, need no token. Either listener may be nil. Serve may be
// called once; it closes the listeners.
func (s *Server) Serve(ctx context.Context, network, local net.Listener) error {
	var servers []*http.Server
	failed := make(chan error, 2)
	begin := func(listener net.Listener, base func(net.Listener) context.Context) {
		if listener == nil {
			return
		}
		server := s.httpServer(base)
		servers = append(servers, server)
		go func() { failed <- server.Serve(listener) }()
	}
	begin(network, nil)
	begin(local, func(net.Listener) context.Context { return markLocal(context.Background()) })

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		err = fmt.Errorf("serve the API: %w", err)
	}
	close(s.closing) // event streams would go on for ever
	return errors.Join(err, s.shutdown(servers))
}

func (s *Server) httpServer(base func(net.Listener) context.Context) *http.Server {
	return &http.Server{
		Handler:           s.Handler(),
		BaseContext:       base,
		ReadHeaderTimeout: min(10*time.Second, s.ReadTimeout),
		ReadTimeout:       s.ReadTimeout,
		WriteTimeout:      s.WriteTimeout,
		IdleTimeout:       s.IdleTimeout,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.logger().Handler(), slog.LevelDebug), // what strangers send is no error of ours
	}
}

// shutdown gives both servers the same grace, then breaks off what is left.
func (s *Server) shutdown(servers []*http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.Grace)
	defer cancel()
	results := make([]error, len(servers))
	var all sync.WaitGroup
	for i, server := range servers {
		all.Go(func() {
			if err := server.Shutdown(ctx); err != nil {
				results[i] = errors.Join(fmt.Errorf("stop the API: %w", err), server.Close())
			}
		})
	}
	all.Wait()
	return errors.Join(results...)
}
