package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"verdigris/deploy"
)

// trimEvery is how many events lie between two looks at the number of log lines: counting at each line would make a
// long build slow.
const trimEvery = 250

// Append stores events, all or none. Log lines and progress survive the process but may be lost in a power cut, since a
// sync for each line of a build would slow it down; every other event is on the disk when Append returns.
func (s *Store) Append(ctx context.Context, events ...deploy.Event) error {
	if len(events) == 0 {
		return nil
	}
	relaxed := !slices.ContainsFunc(events, func(e deploy.Event) bool {
		return e.Type != deploy.EventLog && e.Type != deploy.EventProgress
	})
	err := s.writer.submit(ctx, relaxed, func(t *tx) error {
		for _, e := range events {
			if err := s.appendOne(t, e); err != nil {
				return err
			}
		}
		return nil
	})
	return s.explain(fmt.Sprintf("write an event of deployment %d to", events[0].Deployment), err)
}

func (s *Store) appendOne(t *tx, e deploy.Event) error {
	record, err := document(e.Record, e.Record != nil)
	if err != nil {
		return err
	}
	step, err := document(e.Step, e.Step != nil)
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO events (deployment, seq, time, type, state, phase, record, message, step) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		e.Deployment, e.Seq, nanos(e.Time), e.Type, e.State, e.Phase, record, e.Message, step)
	if err != nil || e.Seq%trimEvery != 0 {
		return err
	}
	return s.trimLog(t, e.Deployment)
}

// Events returns the events of a deployment with a Seq greater than after, in order. Where old log lines were
// dropped, their numbers are missing.
func (s *Store) Events(ctx context.Context, id, after int64) ([]deploy.Event, error) {
	rows, err := s.reads.QueryContext(ctx, `SELECT deployment, seq, time, type, state, phase, record, message, step FROM events
		WHERE deployment = ? AND seq > ? ORDER BY seq`, id, after)
	if err != nil {
		return nil, s.explain("read events from", err)
	}
	events := []deploy.Event{}
	err = each(rows, func() error {
		var (
			e      deploy.Event
			time   sql.NullInt64
			record sql.NullString
			step   sql.NullString
		)
		if err := rows.Scan(&e.Deployment, &e.Seq, &time, &e.Type, &e.State, &e.Phase, &record, &e.Message, &step); err != nil {
			return err
		}
		e.Time = moment(time)
		events = append(events, e)
		last := &events[len(events)-1]
		return errors.Join(undocument(record, &last.Record), undocument(step, &last.Step))
	})
	return events, s.explain("read events from", err)
}

// trimLog drops the oldest log lines of a deployment. The numbers of the others stay.
func (s *Store) trimLog(t *tx, deployment int64) error {
	_, err := t.exec(`DELETE FROM events WHERE deployment = ?1 AND type = 'log' AND seq <=
		(SELECT seq FROM events WHERE deployment = ?1 AND type = 'log' ORDER BY seq DESC LIMIT 1 OFFSET ?2)`, deployment, s.LogLines)
	return err
}

// dropOldEvents keeps the events of the app's newest deployments, and of older ones that have not ended.
func (s *Store) dropOldEvents(t *tx, app string) error {
	_, err := t.exec(`DELETE FROM events WHERE deployment IN (
		SELECT id FROM deployments WHERE app = ?1 AND state NOT IN ('queued', 'running') AND id <=
			(SELECT id FROM deployments WHERE app = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2))`, app, s.KeepEvents)
	return err
}
