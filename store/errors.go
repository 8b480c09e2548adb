package store

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"verdigris/deploy"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrFull means that the disk has no room for the journal. What was to be written is not in it.
	ErrFull = errors.New("the disk is full")
	// ErrDamaged means that the file is not a readable journal.
	ErrDamaged = errors.New("the file is damaged")
	// ErrBusy means that another process held the journal for longer than the five seconds that a write waits.
	ErrBusy = errors.New("another process keeps the journal locked")
)

// explain says what was tried and turns SQLite's result codes (https://sqlite.org/rescode.html) into errors for
// people. It returns nil for nil, and what a person asked for wrongly as it is.
func (s *Store) explain(tried string, err error) error {
	if err == nil || errors.As(err, new(*deploy.InputError)) || errors.As(err, new(*deploy.ConflictError)) {
		return err
	}
	return fmt.Errorf("%s %s: %w", tried, s.path, hinted(err))
}

func hinted(err error) error {
	var own *sqlite.Error
	if !errors.As(err, &own) {
		return err
	}
	switch own.Code() & 0xff { // the upper bits refine the code
	case lib.SQLITE_FULL:
		return &deploy.HintedError{Err: fmt.Errorf("%w: %w", ErrFull, err), Next: "free some space on the disk that holds the journal; verdigris goes on by itself then"}
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		return damaged(err)
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return &deploy.HintedError{Err: fmt.Errorf("%w: %w", ErrBusy, err), Next: "end the other program that has the journal open, e.g. an sqlite3 shell"}
	}
	return err
}

func damaged(err error) error {
	return &deploy.HintedError{
		Err: fmt.Errorf("%w: %w", ErrDamaged, err),
		Next: "restore the journal from a backup, or move it away together with its -wal and -shm files: verdigris then " +
			"begins a new one, and still knows from the router which slice is live",
	}
}
