package store

import (
	"context"
	"database/sql"
	"errors"
)

// Setting returns a value that SetSetting stored; ok is false when there is none.
func (s *Store) Setting(ctx context.Context, key string) (value string, ok bool, err error) {
	err = s.reads.QueryRowContext(ctx, `SELECT value FROM settings WHERE key = ?`, key).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return value, err == nil, s.explain("read a setting from", err)
}

// SetSetting stores a value under a key in place of the one before.
func (s *Store) SetSetting(ctx context.Context, key, value string) error {
	err := s.writer.submit(ctx, false, func(t *tx) error {
		_, err := t.exec(`INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value`, key, value)
		return err
	})
	return s.explain("write a setting to", err)
}
