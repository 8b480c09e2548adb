package main

import (
	"fmt"
	"io"
	"time"

	"github.com/pterm/pterm"

	"verdigris/deploy"
)

// spinnerProgress shows the running phase with a spinner and its seconds, and what has ended above it.
type spinnerProgress struct {
	out     io.Writer
	spinner *pterm.SpinnerPrinter
	log     tail
}

func (p *spinnerProgress) begin(d deploy.Deployment) {
	fmt.Fprintln(p.out, pterm.Bold.Sprint(headline(d)))
}

func (p *spinnerProgress) event(e deploy.Event) {
	p.log.see(e)
	switch {
	case e.Record != nil && e.Record.State == deploy.PhaseRunning:
		p.start(*e.Record)
	case e.Record != nil:
		p.stop(*e.Record)
	case e.Type == deploy.EventProgress && p.spinner != nil:
		p.spinner.UpdateText(fmt.Sprintf("%-8s %s", e.Phase, e.Message))
	}
}

func (p *spinnerProgress) start(r deploy.PhaseRecord) {
	spinner := pterm.DefaultSpinner.WithWriter(p.out).WithRemoveWhenDone().WithDelay(100 * time.Millisecond)
	// Without a spinner the phase is still shown when it ends.
	p.spinner, _ = spinner.Start(string(r.Phase))
}

func (p *spinnerProgress) stop(r deploy.PhaseRecord) {
	p.clear()
	mark := pterm.Green("✓")
	if r.State == deploy.PhaseFailed {
		mark = pterm.Red("✗")
	}
	fmt.Fprintln(p.out, " "+mark+" "+phaseLine(r))
}

func (p *spinnerProgress) clear() {
	if p.spinner != nil {
		_ = p.spinner.Stop()
		p.spinner = nil
	}
}

func (p *spinnerProgress) end(d deploy.Deployment) {
	p.clear()
	writeEnd(p.out, d, p.log.lines)
}
