package deploy

import (
	"fmt"
	"strings"
)

// Commit is a full git commit id in lower-case hexadecimal: 40 digits (SHA-1) or 64 (SHA-256).
type Commit string

// ParseCommit accepts a full commit id and nothing else: an abbreviation, a branch name or an option that
// looks like one is refused, so that what is deployed is exactly what was pushed.
func ParseCommit(id string) (Commit, error) {
	if len(id) != 40 && len(id) != 64 {
		return "", &InputError{Reason: fmt.Sprintf("%q is not a full commit id: it takes 40 or 64 hexadecimal digits", clip(id, 80))}
	}
	if strings.Trim(id, "0123456789abcdefABCDEF") != "" {
		return "", &InputError{Reason: fmt.Sprintf("%q is not a full commit id: it has characters other than hexadecimal digits", clip(id, 80))}
	}
	return Commit(strings.ToLower(id)), nil
}

// Short returns the first 12 digits, enough for people to tell commits apart.
func (c Commit) Short() string { return clip(string(c), 12) }

// IsZero tells whether all digits are 0, which is how forges write "no commit" (a branch that was deleted).
func (c Commit) IsZero() bool { return strings.Trim(string(c), "0") == "" }

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n]
}
