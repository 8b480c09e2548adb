package redisync

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/redis/go-redis/v9"

	"verdigris/deploy"
)

// ParseURL reads a side from redis://user:password@host:port/db, or rediss:// for TLS. An error never repeats
// the URL, which may hold a password.
func ParseURL(raw string) (Side, error) {
	o, err := redis.ParseURL(raw)
	if err != nil {
		var bad *url.Error
		if errors.As(err, &bad) { // it quotes what it cannot read, e.g. a password with a slash in it as a port
			err = errors.New("a special character in the user or the password must be written as %XX")
		}
		return Side{}, &deploy.InputError{Reason: fmt.Sprintf("read redis URL: %v; it looks like redis://user:password@host:6379/0", err)}
	}
	if o.Network == "unix" {
		return Side{}, &deploy.InputError{Reason: "read redis URL: unix sockets are not supported; use redis://host:port/db"}
	}
	return Side{Address: At(o.Addr), Username: o.Username, Password: o.Password, DB: o.DB, TLS: o.TLSConfig}, nil
}
