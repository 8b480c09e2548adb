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
	"verdigris/internal/testkit"
)

func TestLogsAreCutFilteredAndFollowed(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, `
services:
  web: {image: "`+debian+`", init: true, network_mode: none, command: [bash, -c, "`+pauses+` echo one; echo two >&2; echo three; until test -e /tmp/go; do pause 0.05; done; echo four; sleep 60"]}
  longer-name: {image: "`+debian+`", init: true, network_mode: none, tty: true, command: [bash, -c, "echo from the terminal; sleep 60"]}
`)
	s.up(commitA)
	read := func(opts deploy.LogOptions) string {
		t.Helper()
		var b bytes.Buffer
		testkit.Must(t, s.Logs(t.Context(), deploy.Blue, opts, &b))
		return b.String()
	}
	for _, want := range []string{"web-1         | one\n", "web-1         | two\n", "longer-name-1 | from the terminal\n"} {
		testkit.Eventually(t, "the line "+want, func() bool { return strings.Contains(read(deploy.LogOptions{}), want) })
	}
	if got := read(deploy.LogOptions{Services: []string{"web"}, Tail: 1}); strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, "web-1 | ") {
		t.Errorf("one line of web is %q", got)
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var followed testkit.Buffer
	done := make(chan error, 1)
	go func() { done <- s.Logs(ctx, deploy.Blue, deploy.LogOptions{Follow: true}, &followed) }()
	testkit.Eventually(t, "the old lines", func() bool { return strings.Contains(followed.String(), "three") })
	web := &Container{engine: e, project: s.settings.Project(deploy.Blue), service: "web"}
	_, err := web.Exec(t.Context(), "touch", "/tmp/go")
	testkit.Must(t, err)
	testkit.Eventually(t, "the new line", func() bool { return strings.Contains(followed.String(), "| four\n") })
	cancel()
	testkit.Must(t, <-done)
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
	testkit.Must(t, demultiplex(&body, func(_ time.Time, line string) error {
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
