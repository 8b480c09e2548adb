package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"verdigris/deploy"
)

// progress returns what suits the output: JSON lines, spinners on a terminal, plain lines elsewhere.
func (c *cli) progress() progress {
	switch {
	case c.json:
		return &jsonProgress{out: json.NewEncoder(c.out)}
	case isTerminal(c.out):
		return &spinnerProgress{out: c.out}
	}
	return &plainProgress{out: c.out}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// jsonProgress writes each event as one line, and the deployment as it ended as the last one.
type jsonProgress struct{ out *json.Encoder }

// A reader that went away is noticed by the signal that comes with it, so errors of writing are left alone.
func (p *jsonProgress) begin(deploy.Deployment) {}
func (p *jsonProgress) event(e deploy.Event)    { _ = p.out.Encode(e) }
func (p *jsonProgress) end(d deploy.Deployment) {
	_ = p.out.Encode(map[string]any{"type": "end", "result": d})
}

// plainProgress writes a line for each phase that ended.
type plainProgress struct {
	out io.Writer
	log tail
}

func (p *plainProgress) begin(d deploy.Deployment) { fmt.Fprintln(p.out, headline(d)) }

func (p *plainProgress) event(e deploy.Event) {
	p.log.see(e)
	if e.Record == nil || e.Record.State == deploy.PhaseRunning {
		return
	}
	fmt.Fprintln(p.out, "  "+phaseLine(*e.Record))
}

func (p *plainProgress) end(d deploy.Deployment) { writeEnd(p.out, d, p.log.lines) }

// tail keeps the last lines that the running phase printed.
type tail struct{ lines []string }

const tailLines = 20

func (t *tail) see(e deploy.Event) {
	if e.Record != nil && e.Record.State == deploy.PhaseRunning {
		t.lines = nil
	}
	if e.Type != deploy.EventLog {
		return
	}
	t.lines = append(t.lines, e.Message)
	t.lines = t.lines[max(0, len(t.lines)-tailLines):]
}

func headline(d deploy.Deployment) string {
	text := fmt.Sprintf("deployment %d: %s", d.ID, d.Kind)
	if d.Commit != "" {
		text += " " + d.Commit.Short()
	}
	to := "the idle slice"
	if d.Slice != "" {
		to = string(d.Slice)
	}
	return fmt.Sprintf("%s to %s of %s", text, to, d.App)
}

func phaseLine(r deploy.PhaseRecord) string {
	line := fmt.Sprintf("%-8s %7.2f s", r.Phase, r.Seconds())
	switch {
	case r.State == deploy.PhaseFailed:
		line += "  failed"
	case r.Detail != "":
		line += "  " + r.Detail
	}
	return line
}

// writeEnd says how a deployment ended. After a failure: why, what is serving, what to do, and the last log lines.
func writeEnd(out io.Writer, d deploy.Deployment, log []string) {
	if d.State == deploy.StateSucceeded {
		fmt.Fprintln(out, success(d))
		return
	}
	fmt.Fprintf(out, "deployment %d %s\n", d.ID, strings.ReplaceAll(string(d.State), "_", " "))
	f := d.Error
	if f == nil {
		return
	}
	if len(f.Log) > 0 {
		log = f.Log
	}
	for _, line := range log {
		fmt.Fprintf(out, "  | %s\n", line)
	}
	if f.Phase != "" {
		fmt.Fprintf(out, "phase:   %s\n", f.Phase)
	}
	for _, part := range [][2]string{{"reason: ", f.Reason}, {"serving:", f.Serving}, {"next:   ", f.Next}} {
		if part[1] != "" {
			fmt.Fprintf(out, "%s %s\n", part[0], part[1])
		}
	}
}

func success(d deploy.Deployment) string {
	if d.Promote {
		return fmt.Sprintf("%s is live after %s", d.Slice, moved(d))
	}
	text := fmt.Sprintf("%s is ready after %.1f s", d.Slice, seconds(d, d.EndedAt))
	if d.Slice.Production() {
		text += fmt.Sprintf("; move the traffic with: verdigris switch %s", d.Slice)
	}
	return text
}

// moved says when the traffic moved, which is before the end: nobody waits for the watch.
func moved(d deploy.Deployment) string {
	for _, r := range d.Phases {
		if r.Phase == deploy.PhaseRoute && !r.EndedAt.IsZero() {
			return fmt.Sprintf("%.1f s; all done after %.1f s", seconds(d, r.EndedAt), seconds(d, d.EndedAt))
		}
	}
	return fmt.Sprintf("%.1f s", seconds(d, d.EndedAt))
}

// seconds counts from the beginning of a deployment.
func seconds(d deploy.Deployment, until time.Time) float64 { return until.Sub(d.StartedAt).Seconds() }
