package store

import (
	"context"
	"database/sql"
)

// tx runs statements on the writer's connection. Each statement is prepared once and kept.
type tx struct{ w *writer }

// The statements run without the caller's context: interrupting one would make SQLite roll back the whole
// transaction, and with it the writes of others.
func (t *tx) prepare(query string) (*sql.Stmt, error) {
	if s, ok := t.w.statements[query]; ok {
		return s, nil
	}
	s, err := t.w.conn.PrepareContext(context.Background(), query)
	if err == nil {
		t.w.statements[query] = s
	}
	return s, err
}

func (t *tx) exec(query string, args ...any) (sql.Result, error) {
	s, err := t.prepare(query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(context.Background(), args...)
}

func (t *tx) query(query string, args ...any) (*sql.Rows, error) {
	s, err := t.prepare(query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(context.Background(), args...)
}

// number reads one integer; found is false when there is no row.
func (t *tx) number(query string, args ...any) (n int64, found bool, err error) {
	s, err := t.prepare(query)
	if err != nil {
		return 0, false, err
	}
	switch err := s.QueryRowContext(context.Background(), args...).Scan(&n); err {
	case nil:
		return n, true, nil
	case sql.ErrNoRows:
		return 0, false, nil
	default:
		return 0, false, err
	}
}
