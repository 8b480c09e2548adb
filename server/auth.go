package server

import (
	"context"
	"crypto/sha256"
	"net"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// localKey marks the context of requests that came over the unix socket.
type localKey struct{}

// callerKey is where the name of who asks is kept in Echo's context.
const callerKey = "caller"

// writes admits a request that changes something: over the unix socket, or with a token. Tokens are taken from the
// Authorization header alone, never from a cookie or the URL, so that no page in a browser can send one along.
func (s *Server) writes(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := s.admit(c); err != nil {
			return err
		}
		return next(c)
	}
}

// reads admits a request that changes nothing; with PublicRead that is everyone.
func (s *Server) reads(next echo.HandlerFunc) echo.HandlerFunc {
	if s.PublicRead {
		return next
	}
	return s.writes(next)
}

func (s *Server) admit(c echo.Context) error {
	request := c.Request()
	if request.Context().Value(localKey{}) != nil {
		c.Set(callerKey, "local socket")
		return nil
	}
	scheme, token, _ := strings.Cut(request.Header.Get(echo.HeaderAuthorization), " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return challenge(c, "a token is needed: Authorization: Bearer TOKEN", "")
	}
	if s.Verify == nil {
		return challenge(c, "no token opens this server", `, error="invalid_token"`)
	}
	hash, from := sha256.Sum256([]byte(token)), address(request)
	if !s.guesses.allowed(from, hash) {
		return &statusError{http.StatusTooManyRequests, "too many wrong tokens came from this address"}
	}
	name, ok, err := s.Verify(request.Context(), token)
	switch {
	case err != nil:
		return err
	case !ok:
		s.guesses.wrong(from)
		return challenge(c, "the token is wrong or was removed", `, error="invalid_token"`)
	}
	s.guesses.right(hash)
	c.Set(callerKey, name)
	return nil
}

// challenge refuses as RFC 6750, section 3, asks for.
func challenge(c echo.Context, reason, more string) error {
	c.Response().Header().Set(echo.HeaderWWWAuthenticate, `Bearer realm="verdigris"`+more)
	return &statusError{http.StatusUnauthorized, reason}
}

// caller names who asks: the name of the token, or "local socket"; empty for requests that need neither.
func caller(c echo.Context) string {
	name, _ := c.Get(callerKey).(string)
	return name
}

// address is the peer's own; a header that claims another one is not believed.
func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func markLocal(ctx context.Context) context.Context {
	return context.WithValue(ctx, localKey{}, true)
}
