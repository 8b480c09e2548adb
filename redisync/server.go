package redisync

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"verdigris/deploy"
)

// server is one side of a transfer: where it is, what it can do, and a client for ordinary commands.
type server struct {
	Side
	slice       deploy.Slice
	address     string
	tls         *tls.Config
	timeout     time.Duration
	dialTimeout time.Duration
	client      *redis.Client
	given       string   // the user that the configuration names
	ledgers     []Ledger // what keeps the users' rights beside the server
	leftMay     []string // globs of keys that its app may write behind a fence
	log         *slog.Logger

	app string                 // whose the slice is; empty where that is not told
	run atomic.Pointer[string] // that later connections must reach; nil while it is not known

	info   info
	can    features
	fenced bool // no app can write to it
}

// features are what not every server has or lets us use.
type features struct {
	expireTime  bool // PEXPIRETIME: redis 7.0
	snapshot    bool // COPY and what goes with it: redis 6.2
	fieldExpiry bool // HPEXPIRETIME: redis 7.4, valkey 9
}

// open resolves the address of a slice's redis; nothing is connected yet.
func (d *Data) open(ctx context.Context, slice deploy.Slice) (*server, error) {
	return d.openWithin(ctx, slice, d.Timeout)
}

// openWithin does so for questions that may take as long each.
func (d *Data) openWithin(ctx context.Context, slice deploy.Slice, timeout time.Duration) (*server, error) {
	side := d.settings.Sides[slice]
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	s := &server{Side: side, slice: slice, address: "an unknown address", timeout: timeout, dialTimeout: d.DialTimeout,
		app: d.App, given: side.Username, ledgers: d.Ledgers, leftMay: d.settings.LeftMayWrite, log: d.Log}
	address, err := side.Address(ctx)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	s.address = address
	if side.TLS != nil {
		s.tls = side.TLS.Clone()
		if host, _, err := net.SplitHostPort(address); err == nil && s.tls.ServerName == "" {
			s.tls.ServerName = host
		}
	}
	s.client = s.newClient()
	return s, nil
}

func (s *server) newClient() *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr: s.address, Username: s.Username, Password: s.Password, DB: s.DB, TLSConfig: s.tls,
		Protocol: 2, DisableIdentity: true, ContextTimeoutEnabled: true,
		DialTimeout: s.dialTimeout, ReadTimeout: s.timeout, WriteTimeout: s.timeout,
		OnConnect: s.onConnect,
		PoolSize:  4, MaxRetries: -1, DialerRetries: 1,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
}

// The client tells its failures on standard error besides returning them; once is enough.
func init() { redis.SetLogger(quiet{}) }

type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

// forget removes a key of our own, in the time that is granted to cleaning up even when ctx has ended. What
// cannot be removed goes by its expiry.
func (s *server) forget(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	return s.fail(ctx, s.client.Unlink(ctx, key).Err())
}
