package store

import "context"

// Setting returns what was last set for the app under that name.
func (s *Store) Setting(ctx context.Context, app, name string) (value string, ok bool, err error) {
	return "", false, nil
}

// SetSetting keeps a value of the app under that name.
func (s *Store) SetSetting(ctx context.Context, app, name, value string) error { return nil }
