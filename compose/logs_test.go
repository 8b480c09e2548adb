package compose

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/pkg/stdcopy"

	"verdigris/deploy"
	"verdigris/test/output"
)

func TestLogsAreCutFilteredAndFollowed(t *testing.T) {
	e := connected(t)
	s := newSite(t, e, `
services:
  web: {image: "`+debian+`", init: true, command: [bash, -c, "echo one; echo two >&2; echo three; while true; do if [ -e /tmp/go ]; then echo four; sleep 60; fi; sleep 0.05; done"]}
  longer-name: {image: "`+debian+`", init: true, tty: true, command: [bash, -c, "echo from the terminal; sleep 60"]}
`)
	s.up(commitA)
	read := func(opts deploy.LogOptions) string {
		t.Helper()
		var b bytes.Buffer
		check(t, s.Logs(t.Context(), deploy.Blue, opts, &b))
		return b.String()
	}
	for _, want := range []string{"web-1         | one\n", "web-1         | two\n", "longer-name-1 | from the terminal\n"} {
		eventually(t, "the line "+want, func() bool { return strings.Contains(read(deploy.LogOptions{}), want) })
	}
	if got := read(deploy.LogOptions{Services: []string{"web"}, Tail: 1}); strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, "web-1 | ") {
		t.Errorf("one line of web is %q", got)
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var followed output.Buffer
	done := make(chan error, 1)
	go func() { done <- s.Logs(ctx, deploy.Blue, deploy.LogOptions{Follow: true}, &followed) }()
	eventually(t, "the old lines", func() bool { return strings.Contains(followed.String(), "three") })
	web := &Container{engine: e, project: s.settings.Project(deploy.Blue), service: "web"}
	_, err := web.Exec(t.Context(), "touch", "/tmp/go")
	check(t, err)
	eventually(t, "the new line", func() bool { return strings.Contains(followed.String(), "| four\n") })
	cancel()
	check(t, <-done)
}

func TestLinesOfBothOutputsAreNeverMixed(t *testing.T) {
	var body bytes.Buffer
	out, errs := stdcopy.NewStdWriter(&body, stdcopy.Stdout), stdcopy.NewStdWriter(&body, stdcopy.Stderr)
	long := strings.Repeat("x", maxLine)
	for _, part := range []struct {
		w    io.Writer
		text string
	}{{out, "first ha"}, {errs, "error\n"}, {out, "lf\r\n\n"}, {errs, long + "tail\n"}, {out, "no newline"}} {
		io.WriteString(part.w, part.text)
	}
	var lines []string
	check(t, demultiplex(&body, func(_ time.Time, line string) error {
		lines = append(lines, line)
		return nil
	}))
	if want := []string{"error", "first half", "", long, "tail", "no newline"}; !slices.Equal(lines, want) {
		t.Errorf("lines are %q", lines)
	}
	enough := errors.New("enough")
	if err := demultiplex(strings.NewReader(string([]byte{1, 0, 0, 0, 0, 0, 0, 2})+"a\n"), func(time.Time, string) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("the reader's error is lost: %v", err)
	}
}
