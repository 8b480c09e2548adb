package redisync

import (
	"context"
	"fmt"
)

// position is a point in a source's replication stream. The zero position is none.
type position struct {
	id     string // the replication id of the stream's history
	offset int64  // bytes of the stream up to there
	db     int    // the database that the stream has selected at that point
}

func (p position) String() string { return fmt.Sprintf("%s:%d", p.id, p.offset) }

// positionOf reads a server's own position from its answer to INFO replication. It is none where the server keeps no
// backlog: nobody can join its stream then without a full synchronisation.
func positionOf(i info) position {
	if i["repl_backlog_active"] != "1" {
		return position{}
	}
	return position{id: i["master_replid"], offset: i.number("master_repl_offset"), db: unknownDB}
}

// unknownDB stands for a database that the stream has yet to name. Redis names it before the first write that follows.
const unknownDB = -1

// continues tells whether a server's stream can be joined right after a position: whether it is of the same history, or of
// the one that this history went on from, and still in the backlog.
func (i info) continues(at position) bool {
	next, first := at.offset+1, i.number("repl_backlog_first_byte_offset")
	same := i["master_replid"] == at.id || i["master_replid2"] == at.id && next <= i.number("second_repl_offset")
	return same && i["repl_backlog_active"] == "1" && first <= next && next <= first+i.number("repl_backlog_histlen")
}

// replication asks a server for its state of replication.
func (s *server) replication(ctx context.Context) (info, error) {
	text, err := s.client.Info(ctx, "replication").Result()
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return parseInfo(text), nil
}

// hasten lets a full synchronisation begin at once, where the server would wait for more replicas to come, and
// returns what lets it wait again.
func (s *server) hasten(ctx context.Context) (undo func()) {
	const delay = "repl-diskless-sync-delay"
	set, err := s.client.ConfigGet(ctx, delay).Result()
	if err != nil || set[delay] == "" || set[delay] == "0" || s.client.ConfigSet(ctx, delay, "0").Err() != nil {
		return func() {} // then it takes those seconds
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
		defer cancel()
		s.client.ConfigSet(ctx, delay, set[delay])
	}
}
