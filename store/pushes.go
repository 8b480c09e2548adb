package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"verdigris/deploy"
)

// CreateForPush stores a new deployment for a push and records the delivery, in one transaction. Nothing is created,
// and the deployment there is comes back with duplicate true, when
//
//   - the delivery is known and its deployment is queued, is running or has gone live, also if it was left again: a forge
//     redelivers under the same ID, and what people or verdigris went back from does not come back by that. One that was
//     aborted may be tried again once a minute, else it is a deploy.TooSoonError;
//   - the newest deployment that is queued, is running or went live by a push has the same commit: some forges replay
//     a push under a new ID. An older one does not count: a push that goes back to a commit is meant.
//
// A deployment of the same commit that does less than the push asks for, to staging or without the promotion, does
// not make the push a duplicate: the push would be lost.
func (s *Store) CreateForPush(ctx context.Context, d deploy.Deployment, p deploy.Push) (stored deploy.Deployment, duplicate bool, err error) {
	err = s.writer.submit(ctx, false, func(t *tx) error {
		id, err := duplicateOf(t, d, p)
		if err != nil {
			return err
		}
		if duplicate = id != 0; duplicate {
			stored, err = one(t, id)
		} else {
			stored, err = insert(t, d)
		}
		if err != nil {
			return err
		}
		return recordDelivery(t, d.App, p, stored.ID)
	})
	if err != nil {
		return deploy.Deployment{}, false, s.explain("write a push to", err)
	}
	return stored, duplicate, nil
}

// againAfter is how long after a deployment the same delivery may have it tried again.
const againAfter = time.Minute

// duplicateOf returns the deployment that makes the push a duplicate, or 0.
func duplicateOf(t *tx, d deploy.Deployment, p deploy.Push) (int64, error) {
	id, found, err := t.number(`SELECT deployments.id FROM deliveries JOIN deployments ON deployments.id = deliveries.deployment
		WHERE deliveries.app = ? AND deliveries.forge = ? AND deliveries.delivery = ?
		AND deployments.state NOT IN ('aborted', 'superseded')`, d.App, p.Forge, p.Delivery)
	if found || err != nil {
		return id, err
	}
	id, found, err = t.number(`SELECT id FROM
		(SELECT id, commit_id FROM deployments WHERE app = ? AND kind = 'deploy' AND slice <> 'staging' AND promote >= ?
			AND (state IN ('queued', 'running') OR state IN ('succeeded', 'rolled_back', 'failed') AND triggered_by = 'push')
			ORDER BY id DESC LIMIT 1)
		WHERE commit_id = ?`, d.App, d.Promote, d.Commit)
	if found || err != nil {
		return id, err
	}
	return 0, tooSoon(t, d, p)
}

// tooSoon returns a deploy.TooSoonError where the delivery's deployment was aborted a moment ago.
func tooSoon(t *tx, d deploy.Deployment, p deploy.Push) error {
	id, found, err := t.number(`SELECT deployments.id FROM deliveries JOIN deployments ON deployments.id = deliveries.deployment
		WHERE deliveries.app = ? AND deliveries.forge = ? AND deliveries.delivery = ? AND deployments.state = 'aborted'`, d.App, p.Forge, p.Delivery)
	if err != nil || !found {
		return err
	}
	last, err := one(t, id)
	if err != nil {
		return err
	}
	if wait := againAfter - d.CreatedAt.Sub(last.CreatedAt); wait > 0 && wait <= againAfter {
		return &deploy.TooSoonError{Deployment: id, Wait: wait}
	}
	return nil
}

// Overtook returns the commit of a push to the ref that came from this commit, empty for none and where a later push has gone
// back to it.
func (s *Store) Overtook(ctx context.Context, app, ref string, commit deploy.Commit) (deploy.Commit, error) {
	var newer deploy.Commit
	err := s.reads.QueryRowContext(ctx, `SELECT next.commit_id FROM deliveries next
		WHERE next.app = ?1 AND next.ref = ?2 AND next.before_id = ?3 AND next.commit_id <> ?3 AND NOT EXISTS
			(SELECT 1 FROM deliveries back WHERE back.app = ?1 AND back.ref = ?2 AND back.commit_id = ?3 AND back.rowid > next.rowid
				AND back.before_id IN
				(SELECT commit_id FROM deliveries WHERE app = ?1 AND ref = ?2 AND rowid >= next.rowid))
		ORDER BY next.rowid DESC LIMIT 1`, app, ref, commit).Scan(&newer)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return newer, s.explain("read pushes from", err)
}

// recordDelivery remembers which deployment answers a delivery. A push without an ID cannot be recognised again.
func recordDelivery(t *tx, app string, p deploy.Push, deployment int64) error {
	if p.Delivery == "" {
		return nil
	}
	_, err := t.exec(`INSERT INTO deliveries (app, forge, delivery, deployment, ref, commit_id, received_at, before_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET deployment = excluded.deployment`,
		app, p.Forge, p.Delivery, deployment, p.Ref, p.Commit, nanos(p.ReceivedAt), p.Before)
	return err
}

func one(t *tx, id int64) (deploy.Deployment, error) {
	found, err := selectDeployments(t, `WHERE id = ?`, id)
	if err != nil {
		return deploy.Deployment{}, err
	}
	if len(found) == 0 {
		return deploy.Deployment{}, deploy.ErrUnknownDeployment
	}
	return found[0], nil
}
