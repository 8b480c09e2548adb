package store

import (
	"context"

	"verdigris/deploy"
)

// CreateForPush stores a new deployment for a push and records the delivery, in one transaction. Nothing is created,
// and the deployment there is comes back with duplicate true, when
//
//   - the delivery is known and its deployment did not fail: a forge redelivers under the same ID, and doing so on
//     purpose after a failure is the way to try again;
//   - the newest deployment that is queued, is running or succeeded by a push has the same commit: some forges replay
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

// duplicateOf returns the deployment that makes the push a duplicate, or 0.
func duplicateOf(t *tx, d deploy.Deployment, p deploy.Push) (int64, error) {
	id, found, err := t.number(`SELECT deployments.id FROM deliveries JOIN deployments ON deployments.id = deliveries.deployment
		WHERE deliveries.app = ? AND deliveries.forge = ? AND deliveries.delivery = ?
		AND deployments.state NOT IN ('aborted', 'rolled_back', 'failed')`, d.App, p.Forge, p.Delivery)
	if found || err != nil {
		return id, err
	}
	id, _, err = t.number(`SELECT id FROM
		(SELECT id, commit_id FROM deployments WHERE app = ? AND kind = 'deploy' AND slice <> 'staging' AND promote >= ?
			AND (state IN ('queued', 'running') OR state = 'succeeded' AND triggered_by = 'push') ORDER BY id DESC LIMIT 1)
		WHERE commit_id = ?`, d.App, d.Promote, d.Commit)
	return id, err
}

// recordDelivery remembers which deployment answers a delivery. A push without an ID cannot be recognised again.
func recordDelivery(t *tx, app string, p deploy.Push, deployment int64) error {
	if p.Delivery == "" {
		return nil
	}
	_, err := t.exec(`INSERT INTO deliveries (app, forge, delivery, deployment, ref, commit_id, received_at) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET deployment = excluded.deployment`,
		app, p.Forge, p.Delivery, deployment, p.Ref, p.Commit, nanos(p.ReceivedAt))
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
