package redisync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"verdigris/deploy"
)

// cleanupTimeout bounds the removal of our own keys after a copy failed or was canceled.
const cleanupTimeout = 2 * time.Second

// Data moves the selected keys between the redis of the two production slices. It satisfies deploy.Data.
type Data struct {
	settings Settings
	keys     selection

	// Pairs is how many keys, or batches of small keys, travel at the same time, each over a connection to
	// either side.
	Pairs int
	// Timeout bounds the wait for one answer of a server, not the whole copy.
	Timeout time.Duration
	// DialTimeout bounds one attempt to connect.
	DialTimeout time.Duration
	// Log hears of what does not fail a copy but that people should know.
	Log *slog.Logger
	// Fencing keeps the app of a slice that the traffic has left from writing to its redis.
	Fencing bool
	// App is the app's name, for the marks that say whose a redis is; without it there are none.
	App string
	// Holder names this verdigris to others, such as by its host and state folder: of two that mirror between the same servers
	// one stops. Without it that is not found out.
	Holder string
	// Ledgers keep what the users of a fenced redis were allowed, beside the copy on the server itself; the first that knows
	// counts.
	Ledgers []Ledger

	mu        sync.Mutex
	live      deploy.Slice // whose standby is to be mirrored; empty for none
	mirror    *mirror      // nil while nothing is mirrored
	suspended int          // transfers for which no mirror may run
	standby   deploy.Slice // to look out for while nothing is mirrored; empty for none
	lookout   *lookout     // nil while there is none

	follows watched[bool] // a mirror sees to what is written on the standby
	fencing fencing
	late    lateWrites
	rest    watched[string]             // why mirrors may not write; empty while they may
	adopts  watched[deploy.Slice]       // whose data a person has decided for; empty for none
	kept    atomic.Pointer[deploy.Kept] // by the newest copy that kept anything
}

// New returns a Data for the settings, or a *deploy.InputError that says what is wrong with them. The servers are
// not contacted before Begin.
func New(settings Settings) (*Data, error) {
	keys, err := newSelection(settings.Keys)
	if err != nil {
		return nil, err
	}
	if err := keys.apartFrom(settings.LeftMayWrite); err != nil {
		return nil, err
	}
	for _, slice := range []deploy.Slice{deploy.Blue, deploy.Green} {
		side, ok := settings.Sides[slice]
		switch {
		case !ok || side.Address == nil:
			return nil, &deploy.InputError{Reason: fmt.Sprintf("the redis of %s has no address", slice)}
		case side.DB < 0:
			return nil, &deploy.InputError{Reason: fmt.Sprintf("the redis of %s has the database number %d; numbers begin with 0", slice, side.DB)}
		case side.Username != "" && side.Password == "":
			return nil, &deploy.InputError{Reason: fmt.Sprintf("the redis of %s has a username but no password", slice)}
		}
	}
	return &Data{
		settings: settings, keys: keys,
		Pairs: 4, Timeout: 30 * time.Second, DialTimeout: 3 * time.Second, Log: slog.Default(), Fencing: true,
	}, nil
}

// Begin connects to both sides and checks that a copy can succeed: that they answer and are two, what the users
// may do, that the target takes writes and has room. It changes nothing. Errors name the slice and its address,
// never a password, and say what to do next (deploy.HintedError).
//
// Where a mirror follows from, or is about to, the transfer is the mirror's. A mirror that stands in the way of the
// transfer rests until the transfer is closed.
func (d *Data) Begin(ctx context.Context, from, to deploy.Slice) (deploy.Transfer, error) {
	if !from.Production() || to != from.Other() {
		return nil, &deploy.InputError{Reason: fmt.Sprintf("data moves between blue and green, not from %q to %q", from, to)}
	}
	if m := d.mirrorOf(from); m != nil && m.usable() {
		return &mirrored{mirror: m}, nil
	}
	return d.plain(ctx, from, to)
}

// plain begins a transfer that is not a mirror's.
func (d *Data) plain(ctx context.Context, from, to deploy.Slice) (*transfer, error) {
	t, err := d.connect(ctx, from, to)
	if err != nil {
		return nil, err
	}
	t.data = d
	d.suspend()
	return t, nil
}

// connect connects and checks, also that the source has lost nothing that the target has still.
func (d *Data) connect(ctx context.Context, from, to deploy.Slice) (*transfer, error) {
	t, err := d.connectAnyway(ctx, from, to)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(t.proveMarks(ctx), t.checkNotLess(ctx)); err != nil {
		t.Close()
		return nil, hinted(fmt.Errorf("check %w", err))
	}
	return t, nil
}

// connectAnyway connects and checks whether a copy can succeed.
func (d *Data) connectAnyway(ctx context.Context, from, to deploy.Slice) (*transfer, error) {
	t := &transfer{keys: d.keys, pairs: max(1, d.Pairs), log: d.Log}
	t.payloads.Store(true)
	var err error
	if t.from, err = d.open(ctx, from); err == nil {
		t.to, err = d.open(ctx, to)
	}
	if err != nil {
		t.Close()
		return nil, hinted(fmt.Errorf("find %w", err))
	}
	if err := t.check(ctx); err != nil {
		t.Close()
		return nil, hinted(fmt.Errorf("check %w", err))
	}
	return t, nil
}
