package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"verdigris/deploy"
	"verdigris/store"
)

// rightsFiles is a redisync.Ledger in files, one for each slice.
type rightsFiles struct{ dir string }

func (r rightsFiles) path(slice deploy.Slice) string {
	return filepath.Join(r.dir, "redis-rights-"+string(slice)+".json")
}

// Keep replaces the file, so that a crash leaves the old one or the new one.
func (r rightsFiles) Keep(_ context.Context, slice deploy.Slice, text string) error {
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		return err
	}
	return replaceFile(r.path(slice), []byte(text), 0o600)
}

func (r rightsFiles) Kept(_ context.Context, slice deploy.Slice) (string, error) {
	content, err := os.ReadFile(r.path(slice))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(content), err
}

// rightsJournal is a redisync.Ledger in the journal.
type rightsJournal struct {
	journal *store.Store
	app     string
}

func rightsSetting(slice deploy.Slice) string { return "redis-rights-" + string(slice) }

func (r rightsJournal) Keep(ctx context.Context, slice deploy.Slice, text string) error {
	return r.journal.SetSetting(ctx, r.app, rightsSetting(slice), text)
}

func (r rightsJournal) Kept(ctx context.Context, slice deploy.Slice) (string, error) {
	text, _, err := r.journal.Setting(ctx, r.app, rightsSetting(slice))
	return text, err
}
