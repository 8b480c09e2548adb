package redisync

import (
	"context"
	"errors"
	"fmt"

	"verdigris/deploy"
)

// check finds out, before anything is touched, whether a copy can succeed.
func (t *transfer) check(ctx context.Context) error {
	return t.checkAs(ctx, (*conn).passFence)
}

// checkAs does so as whoever we are once the fence, if there is one, has been dealt with.
func (t *transfer) checkAs(ctx context.Context, fence func(*conn) error) error {
	from, err := t.from.dial(ctx)
	if err != nil {
		return err
	}
	defer from.close()
	to, err := t.to.dial(ctx)
	if err != nil {
		return err
	}
	defer to.close()
	for _, c := range []*conn{from, to} {
		if err := c.learn(); err != nil {
			return err
		}
	}
	if err := t.checkRoles(ctx); err != nil {
		return err
	}
	for _, c := range []*conn{from, to} {
		if err := fence(c); err != nil {
			return err
		}
	}
	key := t.keys.sample()
	if err := from.require(reading(key)); err != nil {
		return err
	}
	needs := reading(key)
	if !to.side.fenced || to.side.Username == fenceUser { // else nobody can write but us, and we are not
		needs = append(needs, writing(key, temporaryPrefix+"probe")...)
	}
	if err := to.require(needs); err != nil {
		return err
	}
	for _, c := range []*conn{from, to} {
		if err := c.learnFeatures(key); err != nil {
			return err
		}
	}
	return t.checkHeadroom(ctx, from, to)
}

// learn asks the server about itself.
func (c *conn) learn() error {
	c.send("INFO")
	if err := c.flush(); err != nil {
		return err
	}
	text, _, err := c.bulk()
	if err != nil {
		return err
	}
	c.side.info = parseInfo(string(text))
	run := c.side.info["run_id"]
	c.side.run.Store(&run)
	return nil
}

func (c *conn) learnFeatures(key string) (err error) {
	can := &c.side.can
	if can.expireTime, err = c.allows([]string{"PEXPIRETIME", key}); err != nil {
		return err
	}
	if can.snapshot, err = c.allows(snapshotting(key, snapshotPrefix+"probe")...); err != nil {
		return err
	}
	can.fieldExpiry, err = c.allows([]string{"HPEXPIRETIME", key, "FIELDS", "1", "f"}, []string{"HPEXPIREAT", key, "1", "FIELDS", "1", "f"})
	return err
}

// checkRoles refuses servers between which keys cannot be moved, or must not be.
func (t *transfer) checkRoles(ctx context.Context) error {
	for _, s := range []*server{t.from, t.to} {
		if s.info["cluster_enabled"] == "1" {
			return refuse(ctx, s, "it runs in cluster mode, which verdigris does not support",
				"give the slice a redis without cluster-enabled")
		}
	}
	if t.to.info["role"] == "slave" {
		return refuse(ctx, t.to, "it is a replica and takes no writes",
			fmt.Sprintf("point data.%s at its primary, or make it one with REPLICAOF NO ONE", t.to.slice))
	}
	if id := t.from.info["run_id"]; id != "" && id == t.to.info["run_id"] && t.from.DB == t.to.DB {
		return refuse(ctx, t.to, fmt.Sprintf("it is the same server and database as that of %s", t.from.slice),
			"give each slice a redis or a database of its own, or leave data out if they are to share one")
	}
	return nil
}

func refuse(ctx context.Context, s *server, reason, next string) error {
	return &deploy.HintedError{Err: s.fail(ctx, errors.New(reason)), Next: next}
}
