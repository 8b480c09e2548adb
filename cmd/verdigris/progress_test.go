package main

import (
	"strings"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

func TestOnATerminalEveryPhaseIsShownWithItsSecondsAndTheEnd(t *testing.T) {
	out := &testkit.Buffer{}
	p := &spinnerProgress{out: out}
	end := ended(deploy.StateAborted, &deploy.Failure{Phase: deploy.PhaseStart, Reason: "web exited with status 1", Log: []string{"no such table"}})
	p.begin(end)
	p.event(phase(1, deploy.PhaseBuild, deploy.PhaseRunning, ""))
	p.event(deploy.Event{Seq: 2, Type: deploy.EventProgress, Phase: deploy.PhaseBuild, Message: "3 of 7"})
	p.event(phase(3, deploy.PhaseBuild, deploy.PhaseDone, "2 images"))
	p.event(phase(4, deploy.PhaseStart, deploy.PhaseRunning, ""))
	p.event(phase(5, deploy.PhaseStart, deploy.PhaseFailed, ""))
	p.end(end)
	text := out.String()
	last := -1
	for _, want := range []string{"deployment 7: deploy 3f2a1b4c5d6e to green of shop", "✓", "build       1.50 s  2 images", "✗",
		"start       1.50 s  failed", "deployment 7 aborted", "| no such table", "reason:  web exited with status 1"} {
		at := strings.Index(text, want)
		if at < last || at < 0 {
			t.Errorf("%q is not there, or not in its place, in:\n%s", want, text)
		}
		last = at
	}
}

func TestOnlyTheLastLinesOfTheRunningPhaseAreKept(t *testing.T) {
	var log tail
	for i := range 50 {
		log.see(deploy.Event{Type: deploy.EventLog, Message: strings.Repeat("x", i)})
	}
	if len(log.lines) != tailLines || len(log.lines[tailLines-1]) != 49 {
		t.Errorf("kept %d lines", len(log.lines))
	}
	log.see(phase(1, deploy.PhaseStart, deploy.PhaseRunning, ""))
	if len(log.lines) != 0 {
		t.Error("the lines of an earlier phase are kept")
	}
}
