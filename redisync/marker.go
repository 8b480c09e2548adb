package redisync

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

const (
	markerKey = ownPrefix + "mirror" // on the target: how far it is
	hereKey   = ownPrefix + "here"   // on the source: written to find our database in its stream
)

// marker says which offset of which stream a target has carried out, all of it and no more. The target keeps it among
// its keys and moves it in the transactions that it speaks of. It names the run of the target, because what another
// run loaded from disk may be older, and the selection, because of other keys nothing was carried out.
type marker struct {
	position
	run  string
	keys string // the selection's sum
}

func (m marker) String() string {
	return strings.Join([]string{m.id, strconv.FormatInt(m.offset, 10), strconv.Itoa(m.db), m.run, m.keys}, " ")
}

func parseMarker(text string) (m marker, ok bool) {
	words := strings.Fields(text)
	if len(words) != 5 {
		return m, false
	}
	offset, err := strconv.ParseInt(words[1], 10, 64)
	if err != nil {
		return m, false
	}
	db, err := strconv.Atoi(words[2])
	return marker{position{words[0], offset, db}, words[3], words[4]}, err == nil
}

// position is how far the follower is in the stream.
func (f *follower) position() position { return position{f.link.start.id, f.decode.offset, f.db} }

func (f *follower) marker() marker {
	return marker{f.position(), f.to.side.info["run_id"], f.keys.sum}
}

// leftOff reads from the target where a mirror of these keys left off, if this run of it was followed up to there.
func (s *server) leftOff(ctx context.Context, keys selection) (position, error) {
	text, err := s.client.Get(ctx, markerKey).Result()
	if errors.Is(err, redis.Nil) {
		return position{}, nil
	}
	if err != nil {
		return position{}, s.fail(ctx, err)
	}
	m, ok := parseMarker(text)
	if !ok || m.run != s.info["run_id"] || m.keys != keys.sum {
		return position{}, nil
	}
	return m.position, nil
}

// trace is what is written on a source after a position of its stream, to find our database in what follows there.
func (p position) trace() string { return fmt.Sprintf("%s-%d", p.id, p.offset) }

// leaveTrace writes a key of our own on the server: where its stream shows it, the stream is in our database. known is
// false for a server that takes no writes.
func (s *server) leaveTrace(ctx context.Context, at position) (known bool, err error) {
	err = s.client.Set(ctx, hereKey, at.trace(), ownExpiry).Err()
	if refusedAs(err, "READONLY", "OOM", "MISCONF", "NOREPLICAS", "NOPERM") {
		return false, nil
	}
	return err == nil, s.fail(ctx, err)
}

// findDatabase finds our database in the source's stream. A source that takes no writes is taken to have no other.
func (f *follower) findDatabase(ctx context.Context) error {
	known, err := f.from.side.leaveTrace(ctx, f.link.start)
	if err == nil && !known {
		f.db = f.from.side.DB
	}
	return err
}
