package store

import (
	"database/sql"
	"encoding/json"
	"time"
)

// nanos is how a time is stored: NULL for the zero time.
func nanos(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixNano(), Valid: !t.IsZero()}
}

func moment(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.Unix(0, n.Int64).UTC()
}

// document is how a nested value is stored: JSON, and NULL when present is false.
func document(value any, present bool) (sql.NullString, error) {
	if !present {
		return sql.NullString{}, nil
	}
	text, err := json.Marshal(value)
	return sql.NullString{String: string(text), Valid: true}, err
}

func undocument(text sql.NullString, into any) error {
	if !text.Valid {
		return nil
	}
	return json.Unmarshal([]byte(text.String), into)
}
