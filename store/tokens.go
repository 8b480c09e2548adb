package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/base64"
	"fmt"
	"regexp"
	"time"

	"verdigris/deploy"
)

// Token is what is known about an API token; its text is not stored.
type Token struct {
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
	// LastUsed is exact to the minute; zero when the token was never used.
	LastUsed time.Time `json:"last_used,omitzero"`
}

// The text of a token: a prefix that secret scanners can look for, and 32 random bytes.
const (
	tokenPrefix = "vdg_"
	tokenBytes  = 32
)

var tokenName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

// CreateToken makes a token and returns its text, which cannot be had again: only its SHA-256 is stored. That needs
// no salt or slow hash, because nobody can guess 32 random bytes. A name that is taken is a *deploy.ConflictError.
func (s *Store) CreateToken(ctx context.Context, name string) (text string, err error) {
	if !tokenName.MatchString(name) {
		return "", &deploy.InputError{Reason: fmt.Sprintf("%q is no name for a token: it takes 1 to 64 letters, digits and . _ @ -", name)}
	}
	secret := make([]byte, tokenBytes)
	rand.Read(secret) // never fails, see crypto/rand
	text = tokenPrefix + base64.RawURLEncoding.EncodeToString(secret)
	hash := sha256.Sum256([]byte(text))
	err = s.writer.submit(ctx, false, func(t *tx) error {
		result, err := t.exec(`INSERT INTO tokens (name, hash, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, name, hash[:], nanos(time.Now()))
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 1 {
			return err
		}
		return &deploy.ConflictError{Reason: fmt.Sprintf("there is a token named %s", name), Next: "choose another name, or remove that token first"}
	})
	if err != nil {
		return "", s.explain("write a token to", err)
	}
	return text, nil
}

// VerifyToken returns the name of the token with that text; ok is false when there is none. All hashes are compared,
// each in constant time.
func (s *Store) VerifyToken(ctx context.Context, text string) (name string, ok bool, err error) {
	if len(text) != len(tokenPrefix)+base64.RawURLEncoding.EncodedLen(tokenBytes) {
		return "", false, nil
	}
	hash := sha256.Sum256([]byte(text))
	rows, err := s.reads.QueryContext(ctx, `SELECT name, hash, last_used FROM tokens`)
	if err != nil {
		return "", false, s.explain("read tokens from", err)
	}
	var used time.Time
	err = each(rows, func() error {
		var (
			candidate string
			stored    []byte
			last      sql.NullInt64
		)
		if err := rows.Scan(&candidate, &stored, &last); err != nil {
			return err
		}
		if subtle.ConstantTimeCompare(hash[:], stored) == 1 {
			name, ok, used = candidate, true, moment(last)
		}
		return nil
	})
	if err != nil {
		return "", false, s.explain("read tokens from", err)
	}
	if ok {
		s.markUsed(ctx, name, used)
	}
	return name, ok, nil
}

// markUsed writes at most once a minute, so that reading does not wear the disk. A failure is not reported: a full
// disk must not lock out the person who comes to free it.
func (s *Store) markUsed(ctx context.Context, name string, before time.Time) {
	now := time.Now()
	if now.Sub(before) < time.Minute {
		return
	}
	_ = s.writer.submit(ctx, true, func(t *tx) error {
		_, err := t.exec(`UPDATE tokens SET last_used = ? WHERE name = ?`, nanos(now), name)
		return err
	})
}

// Tokens lists the tokens by name.
func (s *Store) Tokens(ctx context.Context) ([]Token, error) {
	rows, err := s.reads.QueryContext(ctx, `SELECT name, created_at, last_used FROM tokens ORDER BY name`)
	if err != nil {
		return nil, s.explain("read tokens from", err)
	}
	tokens := []Token{}
	err = each(rows, func() error {
		var (
			name          string
			created, used sql.NullInt64
		)
		if err := rows.Scan(&name, &created, &used); err != nil {
			return err
		}
		tokens = append(tokens, Token{Name: name, CreatedAt: moment(created), LastUsed: moment(used)})
		return nil
	})
	return tokens, s.explain("read tokens from", err)
}

// RemoveToken revokes a token at once. A name that does not exist is a *deploy.InputError.
func (s *Store) RemoveToken(ctx context.Context, name string) error {
	err := s.writer.submit(ctx, false, func(t *tx) error {
		result, err := t.exec(`DELETE FROM tokens WHERE name = ?`, name)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 1 {
			return err
		}
		return &deploy.InputError{Reason: fmt.Sprintf("there is no token named %q", name)}
	})
	return s.explain("remove a token from", err)
}
