package store

import (
	"context"
	"database/sql"
	"fmt"

	"verdigris/deploy"
)

const defaultLimit = 50

// Create stores a new deployment and returns it with its ID.
func (s *Store) Create(ctx context.Context, d deploy.Deployment) (deploy.Deployment, error) {
	err := s.writer.submit(ctx, false, func(t *tx) (err error) {
		d, err = insert(t, d)
		return err
	})
	return d, s.explain("write a new deployment to", err)
}

// Save replaces what is stored about the deployment, phases included. When the deployment has ended, the events of
// the app's oldest deployments are dropped, see KeepEvents. It returns deploy.ErrUnknownDeployment for one that was
// never created.
func (s *Store) Save(ctx context.Context, d deploy.Deployment) error {
	err := s.writer.submit(ctx, false, func(t *tx) error {
		if err := update(t, d); err != nil {
			return err
		}
		if !d.State.Ended() {
			return nil
		}
		return s.dropOldEvents(t, d.App)
	})
	return s.explain(fmt.Sprintf("write deployment %d to", d.ID), err)
}

// Get returns deploy.ErrUnknownDeployment when there is none with that ID.
func (s *Store) Get(ctx context.Context, id int64) (deploy.Deployment, error) {
	found, err := s.list(ctx, `WHERE id = ?`, id)
	switch {
	case err != nil:
		return deploy.Deployment{}, err
	case len(found) == 0:
		return deploy.Deployment{}, fmt.Errorf("deployment %d: %w", id, deploy.ErrUnknownDeployment)
	}
	return found[0], nil
}

// List returns the newest deployments of the app first; limit 0 means 50.
func (s *Store) List(ctx context.Context, app string, limit int) ([]deploy.Deployment, error) {
	if limit <= 0 {
		limit = defaultLimit
	}
	return s.list(ctx, `WHERE app = ? ORDER BY id DESC LIMIT ?`, app, limit)
}

// Unfinished returns the deployments of the app that are queued or running, oldest first.
func (s *Store) Unfinished(ctx context.Context, app string) ([]deploy.Deployment, error) {
	return s.list(ctx, `WHERE app = ? AND state IN ('queued', 'running') ORDER BY id`, app)
}

// list reads deployments and their phases from one snapshot.
func (s *Store) list(ctx context.Context, which string, args ...any) (found []deploy.Deployment, err error) {
	snapshot, err := s.reads.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, s.explain("read deployments from", err)
	}
	found, err = selectDeployments(reader{ctx, snapshot}, which, args...)
	if undo := snapshot.Rollback(); err == nil { // nothing was written; this ends the snapshot
		err = undo
	}
	return found, s.explain("read deployments from", err)
}

// querier is a transaction to read from: the writer's own, or a snapshot.
type querier interface {
	query(query string, args ...any) (*sql.Rows, error)
}

// reader is a snapshot that is read with the caller's context.
type reader struct {
	ctx context.Context
	tx  *sql.Tx
}

func (r reader) query(query string, args ...any) (*sql.Rows, error) {
	return r.tx.QueryContext(r.ctx, query, args...)
}
