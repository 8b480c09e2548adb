package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"verdigris/deploy"
)

//go:embed migrations/*.sql
var migrations embed.FS

// applicationID marks the file as a journal of verdigris ("vdgr"), so that no other SQLite file is taken for one.
const applicationID = 0x76646772

// migrate brings the schema up to date. Each step and its number are committed together: a crash in between leaves
// the schema before it, and two processes that start at once do not both apply it.
func migrate(ctx context.Context, conn *sql.Conn) error {
	if err := checkFile(ctx, conn); err != nil {
		return err
	}
	steps, err := fs.Glob(migrations, "migrations/*.sql") // sorted, so in the order of their numbers
	if err != nil {
		return err
	}
	version, err := pragma(ctx, conn, "user_version")
	if err != nil {
		return err
	}
	if version > len(steps) {
		return &deploy.HintedError{
			Err:  fmt.Errorf("a newer verdigris wrote it: its schema is version %d, and this program knows up to %d", version, len(steps)),
			Next: "run the newer verdigris, or restore the journal's backup from before the upgrade",
		}
	}
	for number := version; number < len(steps); number++ {
		if err := step(ctx, conn, number+1, steps[number]); err != nil {
			return fmt.Errorf("apply %s: %w", steps[number], err)
		}
	}
	return nil
}

func step(ctx context.Context, conn *sql.Conn, number int, name string) (err error) {
	text, err := migrations.ReadFile(name)
	if err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, `BEGIN IMMEDIATE`); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_, undo := conn.ExecContext(context.WithoutCancel(ctx), `ROLLBACK`)
			err = errors.Join(err, undo)
		}
	}()
	version, err := pragma(ctx, conn, "user_version")
	if err != nil {
		return err
	}
	if version < number {
		if _, err := conn.ExecContext(ctx, string(text)); err != nil {
			return err
		}
		marks := fmt.Sprintf(`PRAGMA user_version = %d; PRAGMA application_id = %d`, number, applicationID)
		if _, err := conn.ExecContext(ctx, marks); err != nil {
			return err
		}
	}
	_, err = conn.ExecContext(ctx, `COMMIT`)
	return err
}

// checkFile refuses a damaged file and somebody else's.
func checkFile(ctx context.Context, conn *sql.Conn) error {
	id, err := pragma(ctx, conn, "application_id")
	if err != nil {
		return err
	}
	var tables int
	if err := conn.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema`).Scan(&tables); err != nil {
		return err
	}
	if id != applicationID && (id != 0 || tables > 0) {
		return &deploy.HintedError{Err: errors.New("it is a database of another program"), Next: "check state_dir in verdigris.yml"}
	}
	var verdict string
	if err := conn.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return damaged(errors.New(verdict))
	}
	return nil
}

func pragma(ctx context.Context, conn *sql.Conn, name string) (value int, err error) {
	err = conn.QueryRowContext(ctx, `PRAGMA `+name).Scan(&value)
	return value, err
}
