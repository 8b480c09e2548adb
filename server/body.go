package server

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/labstack/echo/v4"
)

// Bounds on the memory for bodies: those past largeBody wait for one of a few places, since anyone can send them
// before a signature has been looked at.
const (
	largeBody = 1 << 20
	maxLarge  = 4
)

// body is the memory that a delivery is read into. Small ones are used again.
type body struct {
	bytes.Buffer
	done func()
}

var bodies = sync.Pool{New: func() any { return new(body) }}

func (b *body) free() {
	if b.done != nil {
		b.done()
		return // too large to keep
	}
	b.Reset()
	bodies.Put(b)
}

// readDelivery reads the body up to the limit, which comes before the signature: nobody makes us hash or keep more.
func (s *Server) readDelivery(c echo.Context) (*body, error) {
	request := c.Request()
	if request.ContentLength > s.MaxDelivery {
		return nil, &http.MaxBytesError{Limit: s.MaxDelivery}
	}
	limited := http.MaxBytesReader(c.Response(), request.Body, s.MaxDelivery)
	b := bodies.Get().(*body)
	b.done = nil
	n, err := io.CopyN(&b.Buffer, limited, largeBody+1)
	if n > largeBody && err == nil {
		select {
		case s.large <- struct{}{}:
			b.done = func() { <-s.large }
		default:
			b.free()
			return nil, &statusError{http.StatusServiceUnavailable, "too many large deliveries at once"}
		}
		b.Grow(int(max(0, request.ContentLength-n)) + bytes.MinRead)
		_, err = b.ReadFrom(limited)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		b.free()
		return nil, unreadable(err)
	}
	return b, nil
}

// unreadable tells a body that is too large from one that broke off.
func unreadable(err error) error {
	if errors.As(err, new(*http.MaxBytesError)) {
		return err
	}
	return &statusError{http.StatusBadRequest, "the body broke off"}
}
