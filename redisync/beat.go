package redisync

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"verdigris/deploy"
)

// A live redis may come back with less than it had: without its append-only file, on a wrong volume, from an old snapshot. A
// copy would then remove from the standby the last good values there are. So that this can be told from a restart that lost
// nothing, a mirror in step writes the time on the source while its keys change, and then on the target: a source that has an
// older time than the target has lost what was written in between.
const (
	beatKey = ownPrefix + "beat" // on the source
	seenKey = ownPrefix + "seen" // on the target: the same, and the run of the source that has it
	// beatEvery is how much may be lost unnoticed.
	beatEvery  = 5 * time.Second
	beatExpiry = 30 * 24 * time.Hour
)

// beat is when a mirror has last written the time, and how many changes there had been by then.
type beat struct {
	at      time.Time
	changes int64
}

// keepBeat writes the time on both sides, if selected keys have changed since it was last written. That a server does not
// take it is no reason not to follow: then less is known after a restart.
func (f *follower) keepBeat(ctx context.Context) {
	if f.changes == f.beat.changes || time.Since(f.beat.at) < beatEvery {
		return
	}
	f.beat.at = time.Now()
	from, changes := f.from.side, f.changes
	last, _, err := from.readBeat(ctx, beatKey)
	millis := max(last+1, f.beat.at.UnixMilli())
	text := strconv.FormatInt(millis, 10)
	if err == nil {
		err = from.client.Set(ctx, beatKey, text, beatExpiry).Err()
	}
	if err == nil {
		err = f.to.side.client.Set(ctx, seenKey, text+" "+from.info["run_id"], beatExpiry).Err()
	}
	if err != nil {
		f.log.Debug("could not note how new the source is", "error", err)
		return
	}
	f.beat.changes = changes
}

// readBeat reads one of the two keys; 0 where there is none.
func (s *server) readBeat(ctx context.Context, key string) (millis int64, run string, err error) {
	text, err := s.client.Get(ctx, key).Result()
	if errors.Is(err, redis.Nil) || refusedAs(err, "NOPERM") {
		return 0, "", nil
	}
	first, run, _ := strings.Cut(text, " ")
	millis, _ = strconv.ParseInt(first, 10, 64)
	return millis, run, s.fail(ctx, err)
}

// errLess means that the source has lost what the target still has.
var errLess = errors.New("came back with less than it had")

// checkNotLess returns errLess, with how much, where the target has followed the source further than the source knows of.
func (t *transfer) checkNotLess(ctx context.Context) error {
	seen, run, err := t.to.readBeat(ctx, seenKey)
	if err != nil || seen == 0 || run == t.from.info["run_id"] { // a server that was not started anew has lost nothing
		return err
	}
	known, _, err := t.from.readBeat(ctx, beatKey)
	if err != nil || known >= seen {
		return err
	}
	have, lacks, err := t.countLacking(ctx)
	if err != nil || known == 0 && lacks == 0 { // the source may have evicted it, or have been emptied on purpose
		return err
	}
	when := "is not known to have followed it"
	if known > 0 {
		when = fmt.Sprintf("is older by %s", time.Duration(seen-known)*time.Millisecond)
	}
	return &deploy.HintedError{
		Err: fmt.Errorf("redis of %s %w: it lacks %d of the %d selected keys that %s has, those that expire left out, and what it has %s",
			t.from.slice, errLess, lacks, have, t.to.slice, when),
		Next: fmt.Sprintf("look at what each has; then verdigris mirror on --from %s brings back to %s what %s has, and verdigris mirror on --from %s lets %s follow %s as it is",
			t.to.slice, t.from.slice, t.to.slice, t.from.slice, t.to.slice, t.from.slice),
	}
}

// countLacking counts the selected keys of the target that do not expire, and those among them that the source lacks.
func (t *transfer) countLacking(ctx context.Context) (have, lacks int64, err error) {
	from, err := t.from.dial(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer from.close()
	to, err := t.to.dial(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer to.close()
	err = t.to.walk(ctx, t.keys, func(found batch) error {
		lasting, err := to.lasting(found.keys)
		if err != nil {
			return err
		}
		missing, err := from.missing(lasting)
		have, lacks = have+int64(len(lasting)), lacks+int64(len(missing))
		return err
	})
	return have, lacks, err
}

// lasting returns those of the keys that exist and do not expire.
func (c *conn) lasting(keys []string) ([]string, error) {
	for _, key := range keys {
		c.sendExpiry(key)
	}
	if err := c.flush(); err != nil {
		return nil, err
	}
	var lasting []string
	for _, key := range keys {
		end, err := c.expiry()
		if err != nil {
			return nil, err
		}
		if end == never {
			lasting = append(lasting, key)
		}
	}
	return lasting, nil
}
