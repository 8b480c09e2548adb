package store

import (
	"cmp"
	"database/sql"

	"verdigris/deploy"
)

const deploymentColumns = `id, app, kind, slice, from_slice, commit_id, subject, promote, rebuild,
	triggered_by, who, ref, forge, delivery, state, error, images, created_at, started_at, ended_at, digests, stayed, held, longest_hold_ms`

// insert stores a new deployment and returns it as Get would.
func insert(t *tx, d deploy.Deployment) (deploy.Deployment, error) {
	values, err := deploymentValues(d)
	if err != nil {
		return d, err
	}
	result, err := t.exec(`INSERT INTO deployments (`+deploymentColumns+`)
		VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, values...)
	if err != nil {
		return d, err
	}
	if d.ID, err = result.LastInsertId(); err != nil {
		return d, err
	}
	if d.Phases == nil {
		d.Phases = []deploy.PhaseRecord{}
	}
	return d, savePhases(t, d)
}

func update(t *tx, d deploy.Deployment) error {
	values, err := deploymentValues(d)
	if err != nil {
		return err
	}
	result, err := t.exec(`UPDATE deployments SET app = ?, kind = ?, slice = ?, from_slice = ?, commit_id = ?, subject = ?,
		promote = ?, rebuild = ?, triggered_by = ?, who = ?, ref = ?, forge = ?, delivery = ?, state = ?, error = ?, images = ?,
		created_at = ?, started_at = ?, ended_at = ?, digests = ?, stayed = ?, held = ?, longest_hold_ms = ? WHERE id = ?`, append(values, d.ID)...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return cmp.Or(err, deploy.ErrUnknownDeployment)
	}
	return savePhases(t, d)
}

// deploymentValues are those of deploymentColumns without the ID.
func deploymentValues(d deploy.Deployment) ([]any, error) {
	failure, err := document(d.Error, d.Error != nil)
	if err != nil {
		return nil, err
	}
	images, err := document(d.Images, len(d.Images) > 0)
	if err != nil {
		return nil, err
	}
	digests, err := document(d.Digests, len(d.Digests) > 0)
	if err != nil {
		return nil, err
	}
	return []any{
		d.App, d.Kind, d.Slice, d.From, d.Commit, d.Subject, d.Promote, d.Rebuild,
		d.Trigger.By, d.Trigger.Who, d.Trigger.Ref, d.Trigger.Forge, d.Trigger.Delivery, d.State, failure, images,
		nanos(d.CreatedAt), nanos(d.StartedAt), nanos(d.EndedAt), digests,
		d.Stayed, d.Held, d.LongestHold,
	}, nil
}

func savePhases(t *tx, d deploy.Deployment) error {
	for i, p := range d.Phases {
		_, err := t.exec(`INSERT INTO phases (deployment, position, phase, state, started_at, ended_at, detail, error)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET phase = excluded.phase, state = excluded.state, started_at = excluded.started_at,
			ended_at = excluded.ended_at, detail = excluded.detail, error = excluded.error`,
			d.ID, i, p.Phase, p.State, nanos(p.StartedAt), nanos(p.EndedAt), p.Detail, p.Error)
		if err != nil {
			return err
		}
	}
	_, err := t.exec(`DELETE FROM phases WHERE deployment = ? AND position >= ?`, d.ID, len(d.Phases))
	return err
}

// selectDeployments reads the deployments that the clause selects, in its order, with their phases.
func selectDeployments(q querier, which string, args ...any) ([]deploy.Deployment, error) {
	rows, err := q.query(`SELECT `+deploymentColumns+` FROM deployments `+which, args...)
	if err != nil {
		return nil, err
	}
	found := []deploy.Deployment{}
	err = each(rows, func() error {
		d, err := scanDeployment(rows)
		found = append(found, d)
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, addPhases(q, found)
}

func scanDeployment(rows *sql.Rows) (d deploy.Deployment, err error) {
	var (
		failure, images, digests sql.NullString
		created, started, ended  sql.NullInt64
	)
	err = rows.Scan(&d.ID, &d.App, &d.Kind, &d.Slice, &d.From, &d.Commit, &d.Subject, &d.Promote, &d.Rebuild,
		&d.Trigger.By, &d.Trigger.Who, &d.Trigger.Ref, &d.Trigger.Forge, &d.Trigger.Delivery, &d.State, &failure, &images,
		&created, &started, &ended, &digests, &d.Stayed, &d.Held, &d.LongestHold)
	if err != nil {
		return d, err
	}
	d.Phases = []deploy.PhaseRecord{}
	d.CreatedAt, d.StartedAt, d.EndedAt = moment(created), moment(started), moment(ended)
	return d, cmp.Or(undocument(failure, &d.Error), undocument(images, &d.Images), undocument(digests, &d.Digests))
}

func addPhases(q querier, found []deploy.Deployment) error {
	if len(found) == 0 {
		return nil
	}
	byID := make(map[int64]*deploy.Deployment, len(found))
	ids := make([]int64, len(found))
	for i := range found {
		byID[found[i].ID], ids[i] = &found[i], found[i].ID
	}
	list, err := document(ids, true)
	if err != nil {
		return err
	}
	rows, err := q.query(`SELECT deployment, phase, state, started_at, ended_at, detail, error FROM phases
		WHERE deployment IN (SELECT value FROM json_each(?)) ORDER BY deployment, position`, list)
	if err != nil {
		return err
	}
	return each(rows, func() error {
		var (
			id             int64
			p              deploy.PhaseRecord
			started, ended sql.NullInt64
		)
		if err := rows.Scan(&id, &p.Phase, &p.State, &started, &ended, &p.Detail, &p.Error); err != nil {
			return err
		}
		p.StartedAt, p.EndedAt = moment(started), moment(ended)
		byID[id].Phases = append(byID[id].Phases, p)
		return nil
	})
}

// each calls do for every row and closes the rows.
func each(rows *sql.Rows, do func() error) error {
	defer rows.Close()
	for rows.Next() {
		if err := do(); err != nil {
			return err
		}
	}
	return rows.Err()
}
