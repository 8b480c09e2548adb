package webhooks

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxRef is longer than any ref that a forge takes (their file names end at 255 bytes).
const maxRef = 1024

// splitRef takes refs/heads/x and refs/tags/x apart. A name is data only: it may hold quotes, spaces or dashes.
// Only what no git repository can hold is refused, so that it never reaches a log or a terminal.
func splitRef(ref string) (branch, tag string, err error) {
	if !strings.HasPrefix(ref, "refs/") || len(ref) > maxRef || !utf8.ValidString(ref) || strings.ContainsFunc(ref, unicode.IsControl) {
		return "", "", &PayloadError{"field \"ref\" does not hold a full ref such as refs/heads/main"}
	}
	if name, ok := strings.CutPrefix(ref, "refs/heads/"); ok {
		branch = name
	}
	if name, ok := strings.CutPrefix(ref, "refs/tags/"); ok {
		tag = name
	}
	if strings.HasSuffix(ref, "/") {
		return "", "", &PayloadError{"field \"ref\" names no branch or tag"}
	}
	return branch, tag, nil
}

// subject returns the first line of a commit message as people may see it in a terminal.
func subject(message string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(message), "\n")
	return clip(visible(line), 200)
}

// visible replaces control characters, which could move a terminal's cursor or fake a line of a log.
func visible(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD")))
}

// clip cuts s to n bytes at most, never inside a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
