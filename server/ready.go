package server

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

// Check is one thing that must work for verdigris to be ready, e.g. the journal or the container engine.
type Check struct {
	Name string
	Run  func(ctx context.Context) error
}

// checkTimeout bounds each check.
const checkTimeout = 5 * time.Second

// readiness remembers what the checks said last.
type readiness struct {
	mu      sync.Mutex
	at      time.Time
	failing string // the name of the first check that fails
}

// ready tells whether all checks pass, and no more: which one fails is for the log and the metrics.
func (s *Server) ready(c echo.Context) error {
	if s.checks() != "" {
		return &statusError{http.StatusServiceUnavailable, "verdigris is not ready"}
	}
	return c.JSON(http.StatusOK, map[string]string{"status": "ready"})
}

// checks returns the name of a check that fails. Those who ask meanwhile wait for the same result.
func (s *Server) checks() string {
	r := &s.readiness
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.at.IsZero() && time.Since(r.at) < s.ReadyEvery {
		return r.failing
	}
	before := r.failing
	r.failing = s.firstFailing(before)
	if before != "" && r.failing == "" {
		s.logger().Info("ready again", "check", before)
	}
	r.at = time.Now()
	return r.failing
}

// firstFailing runs the checks in order. A failure is logged once, not at each question.
func (s *Server) firstFailing(known string) string {
	for _, check := range s.Ready {
		ctx, cancel := context.WithTimeout(context.Background(), checkTimeout)
		err := check.Run(ctx)
		cancel()
		if err == nil {
			continue
		}
		if check.Name != known {
			s.logger().Warn("not ready", "check", check.Name, "error", err)
		}
		return check.Name
	}
	return ""
}
