package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"gopkg.in/yaml.v3"
)

// Secret says where a secret is kept: in the environment or in a file. It never shows the value unless asked
// with Reveal, and prints as ***.
type Secret struct {
	Env  string
	File Path
}

var errLiteralSecret = errors.New("holds the secret itself, and verdigris.yml is no place for one: " +
	"keep it in the environment ({env: NAME}) or in a file ({file: path})")

// UnmarshalYAML takes {env: NAME} or {file: path}. A literal is refused without being repeated in the error.
func (s *Secret) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return errLiteralSecret
	}
	var fields map[string]string
	if err := n.Decode(&fields); err != nil || len(fields) != 1 || fields["env"]+fields["file"] == "" {
		return errors.New("takes {env: NAME} or {file: path}, one of the two")
	}
	s.Env, s.File = fields["env"], Path(fields["file"])
	return nil
}

// Reveal reads the secret; a newline at the end of a file is not part of it. An empty secret is an error.
func (s Secret) Reveal() (string, error) {
	value, err := s.read()
	if err == nil && value == "" {
		err = fmt.Errorf("the secret in %s is empty", s.place())
	}
	return value, err
}

func (s Secret) read() (string, error) {
	if s.Env != "" {
		value, ok := os.LookupEnv(s.Env)
		if !ok {
			return "", fmt.Errorf("the environment variable %s is not set", s.Env)
		}
		return value, nil
	}
	text, err := os.ReadFile(string(s.File))
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"), nil
}

// Exposed tells whether every user of this machine may read the secret's file.
func (s Secret) Exposed() bool {
	if s.File == "" {
		return false
	}
	info, err := os.Stat(string(s.File))
	return err == nil && info.Mode().Perm()&0o004 != 0
}

func (s Secret) place() string {
	if s.Env != "" {
		return "the environment variable " + s.Env
	}
	return string(s.File)
}

const hidden = "***"

// String hides the secret.
func (s Secret) String() string { return hidden }

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return hidden }

// MarshalJSON hides the secret.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(hidden) }

// LogValue hides the secret from logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }
