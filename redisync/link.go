package redisync

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	ackInterval = time.Second          // how often the source hears how far we are
	ackEager    = 5 * time.Millisecond // until the stream flows: a source ignores what comes before it has reaped its child
)

// link is our place among the replicas of a source: a connection over which its stream of changes comes
// (https://redis.io/docs/latest/operate/oss_and_stack/management/replication/). What arrives goes into the spool.
type link struct {
	*conn
	spool *spool
	start position // where the stream in the spool begins
	// acked is the offset up to which the standby has everything.
	acked   atomic.Int64
	asked   chan struct{} // the source wants to know now
	flowing atomic.Bool
	done    sync.WaitGroup
	cancel  context.CancelFunc
}

// errHistoryLost means that a source does not have the stream any more from the position that was asked for.
var errHistoryLost = errors.New("it no longer has what was written since the mirror left its stream; a larger repl-backlog-size keeps more")

// attach joins the source's stream right after a position, or, where none is given, where a full synchronisation
// begins. It returns errHistoryLost where the source cannot continue at the position.
func (s *server) attach(ctx context.Context, at position) (*link, error) {
	if at.id != "" { // a server that cannot continue takes seconds to say so: it prepares a snapshot first
		if now, err := s.replication(ctx); err != nil || !now.continues(at) {
			return nil, cmp.Or(err, s.fail(ctx, errHistoryLost))
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	c, err := s.dial(ctx)
	if err != nil {
		cancel()
		return nil, err
	}
	l := &link{conn: c, spool: newSpool(), asked: make(chan struct{}, 1), cancel: cancel}
	if err := l.join(at); err != nil {
		l.close()
		return nil, err
	}
	l.acked.Store(l.start.offset)
	l.done.Go(l.receive)
	l.done.Go(l.acknowledge)
	return l, nil
}

// joinNow joins the server's stream at its end. Where the server writes so much at once that its end has passed by the
// time we ask for it, or keeps no history yet, that takes a full synchronisation, which is empty.
func (s *server) joinNow(ctx context.Context) (*link, error) {
	now, err := s.replication(ctx)
	if err != nil {
		return nil, err
	}
	if at := positionOf(now); at.id != "" {
		if l, err := s.attach(ctx, at); !errors.Is(err, errHistoryLost) {
			return l, err
		}
	}
	defer s.hasten(ctx)()
	return s.attach(ctx, position{})
}

// forget drops what has arrived so far. The stream in the spool begins later then.
func (l *link) forget() error {
	for {
		data, _, err := l.spool.take(nil)
		if err != nil || len(data) == 0 {
			return err
		}
		l.start.offset += int64(len(data))
	}
}

// skipTo drops what comes before an offset of the stream, and returns what has arrived after it.
func (l *link) skipTo(ctx context.Context, offset int64) (after []byte, err error) {
	for l.start.offset <= offset {
		data, _, err := l.spool.take(nil)
		if err != nil {
			return nil, err
		}
		if past := l.start.offset + int64(len(data)) - offset; past >= 0 {
			l.start.offset = offset
			return data[int64(len(data))-past:], nil
		}
		l.start.offset += int64(len(data))
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-l.spool.ready:
		}
	}
	return nil, errHistoryLost
}

// close leaves the stream.
func (l *link) close() {
	l.cancel()
	l.conn.close()
	l.done.Wait()
	l.spool.close()
}

// join asks to continue, and passes over the snapshot that comes where the source will not: the keys are read in
// another way. A source that can (redis 7.0) is asked to leave the data set out of it.
func (l *link) join(at position) error {
	filtered, err := l.announce()
	if err != nil {
		return err
	}
	id, next := "?", "-1"
	if at.id != "" {
		id, next = at.id, strconv.FormatInt(at.offset+1, 10)
	}
	l.send("PSYNC", id, next)
	if err := l.flush(); err != nil {
		return err
	}
	answer, err := l.firstLine()
	if err != nil {
		return err
	}
	words := strings.Fields(answer)
	switch {
	case strings.HasPrefix(answer, "-"):
		return l.fail(replyError(answer[1:]))
	case len(words) > 0 && words[0] == "+CONTINUE":
		l.start = at
		if len(words) > 1 {
			l.start.id = words[1]
		}
		return nil
	case len(words) == 3 && words[0] == "+FULLRESYNC":
		if at.id != "" {
			return l.fail(errHistoryLost)
		}
		offset, ok := parseInt([]byte(words[2]))
		if !ok {
			return l.fail(errProtocol)
		}
		l.start = position{id: words[1], offset: offset, db: unknownDB}
		return l.passSnapshot(filtered)
	}
	return l.fail(fmt.Errorf("%w: %.80q to PSYNC", errProtocol, answer))
}

// announce says what we can do, and asks for a snapshot without data. A source that cannot leave the data out sends it
// in the old form, which tells its length.
func (l *link) announce() (filtered bool, err error) {
	l.send("REPLCONF", "capa", "eof", "capa", "psync2")
	if err := l.ask(); err != nil {
		return false, err
	}
	l.send("REPLCONF", "rdb-filter-only", "")
	err = l.ask()
	if err == nil || !isReply(err) {
		return err == nil, err
	}
	if refusedAs(err, "NOPERM") {
		return false, err
	}
	// Capabilities cannot be taken back, so the conversation starts anew without the one for snapshots of no length.
	fresh, err := l.side.dial(l.ctx)
	if err != nil {
		return false, err
	}
	l.conn.close()
	l.conn = fresh
	l.send("REPLCONF", "capa", "psync2")
	return false, l.ask()
}

// firstLine reads a line that newlines may precede, by which a source shows that it is alive while it prepares.
func (l *link) firstLine() (string, error) {
	for {
		text, err := l.r.ReadSlice('\n')
		if err != nil {
			return "", l.fail(err)
		}
		if text = bytes.TrimRight(text, "\r\n"); len(text) > 0 {
			return string(text), nil
		}
	}
}

// passSnapshot reads the snapshot to its end and drops it.
func (l *link) passSnapshot(filtered bool) error {
	head, err := l.firstLine()
	if err != nil {
		return err
	}
	if mark, ok := strings.CutPrefix(head, "$EOF:"); ok {
		return l.discardUntil([]byte(mark))
	}
	size, ok := parseInt([]byte(strings.TrimPrefix(head, "$")))
	if !ok || head[0] != '$' {
		return l.fail(fmt.Errorf("%w: %.80q before a snapshot", errProtocol, head))
	}
	_, err = io.CopyN(io.Discard, l.r, size)
	return l.fail(err)
}

// discardUntil reads up to the mark with which a snapshot of no known length ends. Nothing follows it until we have
// acknowledged, so it is the end of what has arrived.
func (l *link) discardUntil(mark []byte) error {
	var tail []byte
	for {
		if _, err := l.r.Peek(1); err != nil {
			return l.fail(err)
		}
		part := l.arrived()
		tail = append(tail, part[max(0, len(part)-len(mark)):]...)
		tail = tail[max(0, len(tail)-len(mark)):]
		l.r.Discard(len(part))
		if bytes.Equal(tail, mark) {
			return nil
		}
	}
}

// receive moves what arrives into the spool until the link breaks.
func (l *link) receive() {
	gather := gathering{tcp: l.tcp}
	for {
		_, err := l.r.Peek(1)
		if err == nil {
			l.flowing.Store(true)
			part := l.arrived()
			err = l.spool.put(part)
			l.r.Discard(len(part))
			gather.pause(len(part))
		}
		if err != nil {
			l.spool.finish(l.fail(err))
			l.tcp.Close() // lest the source keep for us what nobody will read
			return
		}
	}
}

// answer has the source told at once how far the standby is.
func (l *link) answer() {
	select {
	case l.asked <- struct{}{}:
	default:
	}
}

// acknowledge tells the source how far the standby is. It also keeps a silent link alive.
func (l *link) acknowledge() {
	for {
		every := ackInterval
		if !l.flowing.Load() {
			every = ackEager
		}
		select {
		case <-l.ctx.Done():
			return
		case <-l.asked:
		case <-time.After(every):
		}
		l.send("REPLCONF", "ACK", strconv.FormatInt(l.acked.Load(), 10))
		if err := l.flush(); err != nil {
			l.spool.finish(cmp.Or(err, errors.New("the source cannot be acknowledged")))
			return
		}
	}
}
