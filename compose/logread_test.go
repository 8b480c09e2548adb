package compose

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// pauses lets a bash pause by itself: a sleep is a process each time.
const pauses = `exec 3<> <(:); pause() { read -rt $$1 -u 3; };`

// collector keeps the lines that it is given.
type collector struct {
	mu    sync.Mutex
	lines []LogLine
}

func (c *collector) add(l LogLine) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, l)
	return nil
}

func (c *collector) all() []LogLine {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.lines)
}

func (c *collector) texts() (list []string) {
	for _, l := range c.all() {
		list = append(list, l.Text)
	}
	return list
}

func TestMergeIsInTheOrderOfTime(t *testing.T) {
	at := func(n int) time.Time { return time.Unix(int64(n), 0) }
	var logs []chan LogLine
	for _, moments := range [][]int{{1, 4, 4, 9}, {}, {2, 3, 4, 10, 11}, {0}} {
		log := make(chan LogLine, len(moments))
		for _, n := range moments {
			log <- LogLine{LogSource{Number: len(logs)}, at(n), strconv.Itoa(n)}
		}
		close(log)
		logs = append(logs, log)
	}
	var got []string
	testkit.Must(t, merge(logs, func(i int, l LogLine) error {
		got = append(got, fmt.Sprintf("%d:%s", i, l.Text))
		return nil
	}))
	if want := []string{"3:0", "0:1", "2:2", "2:3", "0:4", "0:4", "2:4", "0:9", "2:10", "2:11"}; !slices.Equal(got, want) {
		t.Errorf("merged is %q, want %q", got, want)
	}
}

func TestLogsOfAllContainersAreMergedByTime(t *testing.T) {
	t.Parallel()
	e := connected(t)
	// All print at the same time, however long the engine takes to start one after the other.
	prints := `volumes: ["./gate:/gate"], command: [bash, -c, "` + pauses + ` until test -e /gate/open; do pause 0.05; done; head -c 40000 /dev/zero | tr '\\0' x; echo; for i in $$(seq 100); do echo line $$i; pause 0.01; done; echo done; sleep 60"]`
	s := newSite(t, e, `
services:
  web: {image: "`+debian+`", init: true, network_mode: none, `+prints+`}
  other: {image: "`+debian+`", init: true, network_mode: none, scale: 2, `+prints+`}
  mute: {image: "`+debian+`", init: true, network_mode: none, command: [sleep, "60"], logging: {driver: none}}
`)
	s.up(commitA)
	s.write("gate/open", "")
	read := func(opts deploy.LogOptions) []LogLine {
		t.Helper()
		var got collector
		testkit.Must(t, s.ReadLog(t.Context(), deploy.Blue, opts, got.add))
		return got.all()
	}
	testkit.Eventually(t, "the end of all logs", func() bool {
		ends := 0
		for _, l := range read(deploy.LogOptions{Tail: 1}) {
			if l.Text == "done" {
				ends++
			}
		}
		return ends == 3
	})
	lines := read(deploy.LogOptions{})
	if len(lines) != 3*102+1 {
		t.Errorf("there are %d lines", len(lines))
	}
	changes, long := 0, 0
	for i, l := range lines {
		if i > 0 && l.Service != "mute" && lines[i-1].Time.After(l.Time) {
			t.Errorf("line %d is older than the one before: %+v", i, l)
		}
		if i > 0 && lines[i-1].Container != l.Container {
			changes++
		}
		if len(l.Text) == 40000 && strings.Trim(l.Text, "x") == "" {
			long++
		}
	}
	if changes < 20 || long != 3 {
		t.Errorf("containers took turns %d times, and %d long lines are whole", changes, long)
	}
	if last := lines[len(lines)-1]; last.Service != "mute" || !strings.Contains(last.Text, "keeps no log that can be read") {
		t.Errorf("the log that cannot be read is not told: %+v", last)
	}

	if got := read(deploy.LogOptions{Tail: 5, Services: []string{"other"}}); len(got) != 10 {
		t.Errorf("the last 5 lines of two containers are %d", len(got))
	}
	if got := read(deploy.LogOptions{Since: time.Now(), Services: []string{"web"}}); len(got) != 0 {
		t.Errorf("since now there are %d lines", len(got))
	}

	_, err := s.LogSources(t.Context(), deploy.Blue, []string{"web", "wbe"})
	testkit.ErrorContains(t, err, "slice blue has no service wbe; it has mute, other, web")
	if err := s.ReadLog(t.Context(), deploy.Green, deploy.LogOptions{}, func(LogLine) error { return nil }); !errors.As(err, new(*deploy.ConflictError)) {
		t.Errorf("a slice without containers: %v", err)
	}
	testkit.ErrorContains(t, s.ReadLog(t.Context(), "", deploy.LogOptions{}, nil), "the shared project has no containers")
}

func TestFollowingSeesRestartsAndReplacementsAndNothingTwice(t *testing.T) {
	t.Parallel()
	e := connected(t)
	file := `services: {web: {image: "` + debian + `", init: true, network_mode: none, stop_grace_period: 1s, environment: {RUN: first}, command: [bash, -c, "` + pauses + ` for ((i=0;;i++)); do echo $$RUN $$i; pause 0.01; done"]}}`
	s := newSite(t, e, file)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var got collector
	done := make(chan error, 1)
	go func() { done <- s.ReadLog(ctx, deploy.Blue, deploy.LogOptions{Follow: true}, got.add) }()
	sees := func(what string, times int) {
		t.Helper()
		testkit.Eventually(t, fmt.Sprintf("%d lines %q", times, what), func() bool {
			n := 0
			for _, text := range got.texts() {
				if text == what {
					n++
				}
			}
			return n == times
		})
	}

	s.up(commitA) // the slice had no containers when the following began
	sees("first 20", 1)
	testkit.Must(t, e.client.ContainerRestart(t.Context(), s.ids()["web-1"], container.StopOptions{}))
	sees("first 20", 2)
	s.write("blue.yml", strings.Replace(file, "first", "second", 1))
	s.up(commitA)
	sees("second 20", 1)

	var late collector // begins in the middle of a log
	go func() {
		done <- s.ReadLog(ctx, deploy.Blue, deploy.LogOptions{Follow: true, Tail: 3}, late.add)
	}()
	testkit.Eventually(t, "lines after the history", func() bool { return len(late.texts()) > 30 })
	cancel()
	testkit.Must(t, <-done)
	testkit.Must(t, <-done)
	for name, texts := range map[string][]string{"from the beginning": got.texts(), "from the middle": late.texts()} {
		for i, text := range texts {
			run, n, _ := strings.Cut(text, " ")
			number, err := strconv.Atoi(n)
			testkit.Must(t, err)
			if i > 0 && number > 0 && texts[i-1] != fmt.Sprintf("%s %d", run, number-1) {
				t.Errorf("%s: %q follows %q", name, text, texts[i-1])
			}
		}
	}
}
