package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"verdigris/compose"
)

// logPrinter returns what writes one line of a log: JSON with --json, else the line after the name of its container.
func (c *cli) logPrinter(of logsOf, sources []compose.LogSource) func(compose.LogLine) error {
	if c.json {
		out := json.NewEncoder(c.out)
		return func(l compose.LogLine) error {
			return out.Encode(jsonLine{l.Container, l.Service, l.Time, l.Text})
		}
	}
	p := &logPrinter{
		out: c.out, timestamps: of.Timestamps, prefix: !of.noPrefix,
		colours: !of.noColor && os.Getenv("NO_COLOR") == "" && isTerminal(c.out),
		colour:  map[string]string{},
	}
	for _, s := range sources {
		p.meet(s)
	}
	return p.print
}

// jsonLine is one line of a log for programs.
type jsonLine struct {
	Container string    `json:"container"`
	Service   string    `json:"service"`
	Time      time.Time `json:"time"`
	Line      string    `json:"line"`
}

// logPrinter writes lines as Docker Compose does: `web-1 | hello`, each container in a colour of its own.
type logPrinter struct {
	out        io.Writer
	timestamps bool
	prefix     bool
	colours    bool
	width      int               // of the longest name
	colour     map[string]string // by name
}

// logColours are taken in turn: cyan, yellow, green, magenta, blue, and then the same in bold.
var logColours = []string{"36", "33", "32", "35", "34", "36;1", "33;1", "32;1", "35;1", "34;1"}

// meet gives a container its colour, and its name the room that it needs.
func (p *logPrinter) meet(s compose.LogSource) {
	name := s.Short()
	if _, known := p.colour[name]; known {
		return
	}
	p.colour[name] = logColours[len(p.colour)%len(logColours)]
	p.width = max(p.width, len(name))
}

func (p *logPrinter) print(l compose.LogLine) error {
	var before string
	if p.prefix {
		p.meet(l.LogSource)
		before = fmt.Sprintf("%-*s | ", p.width, l.Short())
		if p.colours {
			before = "\x1b[" + p.colour[l.Short()] + "m" + before + "\x1b[0m"
		}
	}
	if p.timestamps {
		before += l.Time.Format(time.RFC3339Nano) + " "
	}
	_, err := fmt.Fprintln(p.out, before+l.Text)
	return err
}
