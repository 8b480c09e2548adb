package source

import (
	"bytes"
	"strings"
	"unicode"

	"verdigris/deploy"
)

const (
	tailLines = 20
	maxLine   = 500 // bytes
)

// tail passes git's messages on line by line, without secrets or control characters, and keeps the last of them.
type tail struct {
	log    deploy.Log
	secret string
	lines  []string
	rest   []byte
}

// Write never fails. A carriage return ends a line too: git draws its progress with them.
func (t *tail) Write(p []byte) (int, error) {
	t.rest = append(t.rest, p...)
	for {
		end := bytes.IndexAny(t.rest, "\r\n")
		if end < 0 && len(t.rest) > maxLine {
			end = maxLine
		}
		if end < 0 {
			return len(p), nil
		}
		t.add(string(t.rest[:end]))
		t.rest = t.rest[end+1:]
	}
}

func (t *tail) flush() {
	t.add(string(t.rest))
	t.rest = nil
}

func (t *tail) add(line string) {
	line = t.clean(line)
	if line == "" {
		return
	}
	if t.log != nil {
		t.log(line)
	}
	t.lines = append(t.lines, line)
	if len(t.lines) > tailLines {
		t.lines = t.lines[len(t.lines)-tailLines:]
	}
}

func (t *tail) clean(line string) string {
	if t.secret != "" {
		line = strings.ReplaceAll(line, t.secret, "***")
	}
	return strings.TrimRight(printable(redactURL(line)), " ")
}

// printable replaces control characters, which could move a terminal's cursor or fake a line of a log.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
