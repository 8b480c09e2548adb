package redisync

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"verdigris/deploy"
)

// An address is a name for a server: whoever has it next is taken for that server, and a mirror would write one slice's values
// over the other's, or over a stranger's. So every connection after the first of a server asks for its run, and a mirror leaves
// a mark on both servers that says whose they are, which is read before anything is written.

// errAnotherServer means that a connection has reached another server, or another run of it, than those before.
var errAnotherServer = errors.New("another server answers there than a moment ago, or it has started anew")

// proveRun fails unless what a new connection has reached is the run of the server that is known, if one is.
func (s *server) proveRun(info string) error {
	known := s.run.Load()
	if run := parseInfo(info)["run_id"]; known != nil && *known != "" && run != "" && run != *known {
		return errAnotherServer
	}
	return nil
}

// onConnect proves the run on a connection of the client's.
func (s *server) onConnect(ctx context.Context, c *redis.Conn) error {
	if s.run.Load() == nil {
		return nil
	}
	info, err := c.Info(ctx, "server").Result()
	if err != nil {
		return err
	}
	return s.proveRun(info)
}

// markKey says whose a server is: "green of shop".
const markKey = ownPrefix + "slice"

func (s *server) mark() string { return fmt.Sprintf("%s of %s", s.slice, s.app) }

// proveMarks fails where one of the servers is marked as another slice's, or another app's.
func (t *transfer) proveMarks(ctx context.Context) error {
	for _, s := range []*server{t.from, t.to} {
		if s.app == "" {
			continue
		}
		mark, err := s.client.Get(ctx, markKey).Result()
		switch {
		case errors.Is(err, redis.Nil), refusedAs(err, "NOPERM", "WRONGTYPE"):
		case err != nil:
			return s.fail(ctx, err)
		case mark != s.mark():
			return &deploy.HintedError{
				Err: s.fail(ctx, fmt.Errorf("its data is that of %s, as a mark on it says: nothing was read or written there", mark)),
				Next: fmt.Sprintf("see that data.%s leads to the redis of %s; if its data was brought there on purpose, redis-cli -n %d UNLINK %s on it, then try again",
					s.slice, s.slice, s.DB, markKey),
			}
		}
	}
	return nil
}

// putMarks marks both servers, where they are not yet. One that does not take a mark is known by its run alone.
func (t *transfer) putMarks(ctx context.Context) {
	for _, s := range []*server{t.from, t.to} {
		if s.app == "" {
			continue
		}
		if err := s.client.SetNX(ctx, markKey, s.mark(), 0).Err(); err != nil {
			t.log.Debug("could not mark a server", "slice", s.slice, "error", err)
		}
	}
}

// A lease on the target names who mirrors there. Of two that mirror between the same servers each would carry out what the
// other has written.
const (
	leaseKey   = ownPrefix + "lease"
	leaseLasts = 10 * time.Second
	leaseEvery = 3 * time.Second
)

// proveLease takes or renews the lease on the target, and fails where somebody else has one on either side.
func (t *transfer) proveLease(ctx context.Context, holder string) error {
	if holder == "" {
		return nil
	}
	for _, s := range []*server{t.from, t.to} {
		other, err := s.client.Get(ctx, leaseKey).Result()
		switch {
		case errors.Is(err, redis.Nil), refusedAs(err, "NOPERM"):
		case err != nil:
			return s.fail(ctx, err)
		case other != holder:
			return &deploy.HintedError{
				Err:  s.fail(ctx, fmt.Errorf("%w: %s", errLeased, other)),
				Next: "end that one, or have it mirror other servers; this one goes on by itself " + leaseLasts.String() + " later",
			}
		}
	}
	err := t.to.client.Set(ctx, leaseKey, holder, leaseLasts).Err()
	if isReply(err) { // it takes no writes now, which the mirror finds for itself
		return nil
	}
	return t.to.fail(ctx, err)
}

// errLeased means that another verdigris mirrors to one of the servers.
var errLeased = errors.New("another verdigris mirrors to it")
