package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"verdigris/compose"
)

var (
	webSource = compose.LogSource{Container: "shop-blue-web-1", Service: "web", Number: 1}
	longer    = compose.LogSource{Container: "shop-blue-longer-name-1", Service: "longer-name", Number: 1}
	noon      = time.Date(2026, 11, 20, 12, 0, 0, 5, time.UTC)
)

func TestLogLinesStandAfterTheNamesOfTheirContainers(t *testing.T) {
	for name, c := range map[string]struct {
		of   logsOf
		want string
	}{
		"plain":        {logsOf{}, "web-1         | hello\nlonger-name-1 | there\n"},
		"without them": {logsOf{noPrefix: true}, "hello\nthere\n"},
	} {
		var out bytes.Buffer
		print := (&cli{out: &out}).logPrinter(c.of, []compose.LogSource{webSource, longer})
		for _, l := range []compose.LogLine{{LogSource: webSource, Time: noon, Text: "hello"}, {LogSource: longer, Time: noon, Text: "there"}} {
			if err := print(l); err != nil {
				t.Fatal(err)
			}
		}
		if out.String() != c.want {
			t.Errorf("%s: %q, want %q", name, out.String(), c.want)
		}
	}
}

func TestContainersHaveColoursOfTheirOwn(t *testing.T) {
	var out bytes.Buffer
	p := &logPrinter{out: &out, prefix: true, colours: true, timestamps: true, colour: map[string]string{}}
	for _, s := range []compose.LogSource{webSource, longer, webSource} {
		if err := p.print(compose.LogLine{LogSource: s, Time: noon, Text: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	lines := strings.Split(out.String(), "\n")
	if want := "\x1b[36mweb-1 | \x1b[0m2026-11-20T12:00:00.000000005Z x"; lines[0] != want {
		t.Errorf("the first line is %q, want %q", lines[0], want)
	}
	if !strings.HasPrefix(lines[1], "\x1b[33mlonger-name-1 | ") || !strings.HasPrefix(lines[2], "\x1b[36mweb-1         | ") {
		t.Errorf("lines are %q", lines)
	}
}

func TestLogLinesForProgramsAreJSON(t *testing.T) {
	var out bytes.Buffer
	if err := (&cli{out: &out, json: true}).logPrinter(logsOf{}, nil)(compose.LogLine{LogSource: webSource, Time: noon, Text: `say "hi"`}); err != nil {
		t.Fatal(err)
	}
	var got map[string]string
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got["container"] != "shop-blue-web-1" || got["service"] != "web" || got["time"] != "2026-11-20T12:00:00.000000005Z" || got["line"] != `say "hi"` || len(got) != 4 {
		t.Errorf("the line is %v", got)
	}
}
