package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// errClosed is what a write gets after Close.
var errClosed = errors.New("the journal is closed")

// maxBatch bounds how many writes share one transaction, so that none waits long for the others.
const maxBatch = 128

// writer is the one writer of the journal. Writes that arrive while another is on its way to the disk are committed
// together, so that a burst of deliveries costs one sync and not one each. Every write has a savepoint of its own:
// one that fails takes nothing from the others.
type writer struct {
	db    *sql.DB
	conn  *sql.Conn
	queue chan *write
	quit  chan struct{}
	done  chan struct{}
	once  sync.Once // closes quit

	// Used by the writer's goroutine alone.
	statements map[string]*sql.Stmt
	relaxed    bool // the connection commits without a sync
}

// write is one function that runs inside a transaction.
type write struct {
	ctx     context.Context
	do      func(*tx) error
	relaxed bool // may be lost in a power cut, though not when the process dies
	result  chan error
}

// newWriter connects, migrates and begins to accept writes. On an error nothing is left open.
func newWriter(ctx context.Context, dsn string) (*writer, error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := migrate(ctx, conn); err != nil {
		return nil, errors.Join(err, conn.Close(), db.Close())
	}
	w := &writer{db: db, conn: conn, queue: make(chan *write), quit: make(chan struct{}), done: make(chan struct{}), statements: map[string]*sql.Stmt{}}
	go w.run()
	return w, nil
}

// close lets the batch under way end.
func (w *writer) close() (err error) {
	w.once.Do(func() {
		close(w.quit)
		<-w.done
		for _, s := range w.statements {
			err = errors.Join(err, s.Close()) // an open statement would keep SQLite from tidying up
		}
		err = errors.Join(err, w.conn.Close(), w.db.Close())
	})
	return err
}

// submit runs do in a transaction and returns when it is committed. A ctx that ends before the write has begun
// prevents it; from then on the answer is waited for, so that "committed" is never reported as "cancelled".
func (w *writer) submit(ctx context.Context, relaxed bool, do func(*tx) error) error {
	one := &write{ctx: ctx, do: do, relaxed: relaxed, result: make(chan error, 1)}
	select {
	case w.queue <- one:
		return <-one.result
	case <-w.quit:
		return errClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (w *writer) run() {
	defer close(w.done)
	for {
		select {
		case first := <-w.queue:
			w.commit(w.gather(first))
		case <-w.quit:
			return
		}
	}
}

// gather takes the writes that wait already, without waiting for more.
func (w *writer) gather(first *write) []*write {
	batch := []*write{first}
	for len(batch) < maxBatch {
		select {
		case next := <-w.queue:
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}

// commit carries out a batch in one transaction and then tells each write its own result.
func (w *writer) commit(batch []*write) {
	results := make([]error, len(batch))
	failed := w.transact(batch, results)
	for i, one := range batch {
		if failed != nil {
			one.result <- failed
		} else {
			one.result <- results[i]
		}
	}
}

// transact returns an error when the transaction as a whole is lost; results hold the errors of single writes.
func (w *writer) transact(batch []*write, results []error) (err error) {
	relaxed := true
	for _, one := range batch {
		relaxed = relaxed && one.relaxed
	}
	t := &tx{w}
	if err := w.relax(t, relaxed); err != nil {
		return err
	}
	if _, err := t.exec(`BEGIN IMMEDIATE`); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			// A full disk makes SQLite roll back by itself; then there is nothing left to roll back.
			_, _ = t.exec(`ROLLBACK`)
		}
	}()
	for i, one := range batch {
		if results[i], err = attempt(t, one); err != nil {
			return err
		}
	}
	_, err = t.exec(`COMMIT`)
	return err
}

// attempt runs one write inside a savepoint. The first error is the write's own; the second means that SQLite gave
// up the whole transaction, which shows by the savepoint being gone.
func attempt(t *tx, one *write) (own, lost error) {
	if one.ctx.Err() != nil {
		return context.Cause(one.ctx), nil
	}
	if _, err := t.exec(`SAVEPOINT one`); err != nil {
		return nil, err
	}
	if own = one.do(t); own != nil {
		if _, err := t.exec(`ROLLBACK TO one`); err != nil {
			return nil, fmt.Errorf("%w (%w)", own, err)
		}
	}
	_, lost = t.exec(`RELEASE one`)
	return own, lost
}

// relax chooses whether the next commit syncs. It can only be changed between transactions.
func (w *writer) relax(t *tx, relaxed bool) error {
	if relaxed == w.relaxed {
		return nil
	}
	mode := `PRAGMA synchronous = FULL`
	if relaxed {
		mode = `PRAGMA synchronous = NORMAL`
	}
	_, err := t.exec(mode)
	if err == nil {
		w.relaxed = relaxed
	}
	return err
}
