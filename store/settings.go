package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Setting returns what was last set for the app under that name; ok is false where nothing was.
func (s *Store) Setting(ctx context.Context, app, name string) (value string, ok bool, err error) {
	err = s.reads.QueryRowContext(ctx, `SELECT value FROM settings WHERE app = ? AND name = ?`, app, name).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return value, err == nil, s.explain(fmt.Sprintf("read the setting %s of %s from", name, app), err)
}

// SetSetting keeps a value of the app under that name, in the place of the one before. It is on the disk when
// SetSetting returns.
func (s *Store) SetSetting(ctx context.Context, app, name, value string) error {
	err := s.writer.submit(ctx, false, func(t *tx) error {
		_, err := t.exec(`INSERT INTO settings (app, name, value) VALUES (?, ?, ?)
			ON CONFLICT DO UPDATE SET value = excluded.value`, app, name, value)
		return err
	})
	return s.explain(fmt.Sprintf("write the setting %s of %s to", name, app), err)
}
