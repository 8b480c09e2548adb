package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"verdigris/deploy"
)

var _ deploy.Journal = (*Store)(nil)

// Store is an open journal. It may be used by many goroutines; another process may have the same file open.
type Store struct {
	// LogLines is how many log lines each deployment keeps at least; somewhat later the oldest beyond are dropped.
	// Events of other types are never dropped by count.
	LogLines int
	// KeepEvents is how many of an app's newest deployments keep their events. Older ones keep record and phases.
	KeepEvents int

	path   string
	reads  *sql.DB
	writer *writer
}

// Open opens the journal at path and brings its schema up to date. A missing file is created with mode 0600, a
// missing directory with 0700. A damaged file, one that is not a journal, and one that a newer verdigris wrote are
// each refused with an error that says what to do.
func Open(ctx context.Context, path string) (*Store, error) {
	s := &Store{LogLines: 5000, KeepEvents: 100, path: path}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(s.explain("open the journal", err), s.Close())
	}
	return s, nil
}

// Close waits for the writes under way, refuses those that come later and closes the file. It may be called again.
func (s *Store) Close() error {
	var errs []error
	if s.reads != nil {
		errs = append(errs, s.reads.Close())
	}
	if s.writer != nil { // last, so that closing it folds the -wal file back into the journal
		errs = append(errs, s.writer.close())
	}
	return errors.Join(errs...)
}

// Check tells whether the journal can be read. It is meant for readiness checks.
func (s *Store) Check(ctx context.Context) error {
	var n int
	return s.explain("read the journal", s.reads.QueryRowContext(ctx, `SELECT count(*) FROM tokens`).Scan(&n))
}

func (s *Store) open(ctx context.Context) error {
	if err := createPrivate(s.path); err != nil {
		return err
	}
	absolute, err := filepath.Abs(s.path)
	if err != nil {
		return err
	}
	// FULL, because an accepted delivery and the phase that is about to begin must survive a power cut. Log lines
	// do with less, see Append.
	s.writer, err = newWriter(ctx, dsn(absolute, "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "journal_size_limit(16777216)"))
	if err != nil {
		return err
	}
	s.reads, err = sql.Open("sqlite", dsn(absolute, "query_only(1)"))
	if err != nil {
		return err
	}
	s.reads.SetMaxOpenConns(4)
	return nil
}

// dsn asks for a busy timeout first: even switching to WAL may have to wait for another process.
func dsn(path string, pragmas ...string) string {
	query := url.Values{"_pragma": append([]string{"busy_timeout(5000)"}, pragmas...)}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String()
}

// createPrivate makes the file before SQLite does, which would make it readable for everybody. The files that
// SQLite puts beside it take over its mode.
func createPrivate(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := file.Chmod(0o600); err != nil {
		return errors.Join(fmt.Errorf("make %s private: %w", path, err), file.Close())
	}
	return file.Close()
}
