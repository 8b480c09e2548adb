package redisync

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"

	"verdigris/deploy"
)

// Settings say which keys move and between which servers.
type Settings struct {
	// Keys are the selected keys: exact names, and redis globs with `*`, `?`, `[a-z]`, `[^a]` and backslash.
	Keys []string
	// LeftMayWrite are globs of keys that do not move, which the app of a slice may write although the traffic has left it:
	// caches, for example. It needs redis 7.0.
	LeftMayWrite []string
	// Sides are the redis servers of deploy.Blue and deploy.Green.
	Sides map[deploy.Slice]Side
}

// Side is how one slice's redis is reached. Printing or logging it leaves the password out.
type Side struct {
	// Address names host and port. It is asked anew by each Begin, since a container that was recreated has
	// another address.
	Address  func(ctx context.Context) (string, error)
	Username string // empty for the default user
	Password string // empty for none
	DB       int
	TLS      *tls.Config // nil for a plain connection
}

// At returns an address function for a server whose address does not change.
func At(address string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return address, nil }
}

// String describes the side without its password.
func (s Side) String() string {
	return fmt.Sprintf("redis user %q, password %s, db %d, tls %t", s.Username, s.secret(), s.DB, s.TLS != nil)
}

// GoString keeps the password out of %#v.
func (s Side) GoString() string { return s.String() }

// LogValue keeps the password out of log attributes.
func (s Side) LogValue() slog.Value {
	return slog.GroupValue(slog.String("user", s.Username), slog.String("password", s.secret()),
		slog.Int("db", s.DB), slog.Bool("tls", s.TLS != nil))
}

func (s Side) secret() string {
	if s.Password == "" {
		return "none"
	}
	return "hidden"
}
