package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"
)

// identify gives each request an id, or keeps the one that a proxy in front gave it when that looks like one.
func (s *Server) identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := c.Request().Header.Get(echo.HeaderXRequestID)
		if !saneID(id) {
			id = newID()
		}
		header := c.Response().Header()
		header.Set(echo.HeaderXRequestID, id)
		header.Set(echo.HeaderCacheControl, "no-store")
		header.Set(echo.HeaderXContentTypeOptions, "nosniff")
		return next(c)
	}
}

func requestID(c echo.Context) string { return c.Response().Header().Get(echo.HeaderXRequestID) }

func newID() string {
	var id [12]byte
	rand.Read(id[:]) // never fails, see crypto/rand
	return hex.EncodeToString(id[:])
}

// saneID refuses what could break a log line or fill it.
func saneID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, r := range []byte(id) {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && r != '-' && r != '_' && r != '.' {
			return false
		}
	}
	return true
}

// observe writes the access log and counts. The query is left out of the log: people put secrets into URLs.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		begin := time.Now()
		if err := next(c); err != nil {
			c.Error(err) // answers now, so that the status is known below
		}
		request, response, took := c.Request(), c.Response(), time.Since(begin)
		s.Metrics.request(request.Method, c.Path(), response.Status, took)
		s.logger().LogAttrs(context.WithoutCancel(request.Context()), level(c), "request",
			slog.String("method", request.Method), slog.String("path", request.URL.Path), slog.Int("status", response.Status),
			slog.Duration("took", took), slog.Int64("bytes", response.Size), slog.String("remote", address(request)),
			slog.String("who", caller(c)), slog.String("request_id", requestID(c)))
		return nil
	}
}

// level keeps what was read and found out of the usual log: machines ask all day.
func level(c echo.Context) slog.Level {
	if c.Request().Method == http.MethodGet && c.Response().Status < http.StatusBadRequest {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// recoverPanics turns a panic into an error, so that one request does not end all others.
func (s *Server) recoverPanics(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			switch cause := recover(); cause {
			case nil:
			case http.ErrAbortHandler: // means: break the connection off
				panic(cause)
			default:
				err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
			}
		}()
		return next(c)
	}
}
