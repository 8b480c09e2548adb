package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"verdigris/compose"
	"verdigris/config"
)

// The verdicts of a finding.
const (
	findingGood = "good"
	findingWarn = "warning"
	findingBad  = "wrong"
)

// finding is what doctor found out about one thing, and how to mend it.
type finding struct {
	What    string `json:"what"`
	Verdict string `json:"verdict"`
	Detail  string `json:"detail"`
	Mend    string `json:"mend,omitempty"`
}

func (c *cli) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Look at everything that verdigris needs: what is wrong, and how to mend it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := &doctor{cli: c}
			d.examine(cmd.Context())
			if err := d.report(); err != nil {
				return err
			}
			if d.sick() {
				return &silentError{code: exitFailed}
			}
			return nil
		},
	}
}

// doctor collects findings. It changes nothing.
type doctor struct {
	cli      *cli
	findings []finding
}

// lookWithin bounds each look, so that one part that stands still does not keep the others from being looked at; askWithin
// that at the repository, which is on another machine.
const (
	lookWithin = 10 * time.Second
	askWithin  = 30 * time.Second
)

// within does one look in its time.
func within(ctx context.Context, limit time.Duration, look func(context.Context)) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %s", limit))
	defer cancel()
	look(ctx)
}

// examine goes from the ground up: what everything else needs comes first.
func (d *doctor) examine(ctx context.Context) {
	cfg := d.configuration()
	var engine *compose.Engine
	within(ctx, lookWithin, func(ctx context.Context) { engine = d.engine(ctx) })
	if engine != nil {
		defer engine.Close()
	}
	if cfg == nil {
		return
	}
	d.disk("disk of the state folder", string(cfg.StateDir))
	within(ctx, lookWithin, func(ctx context.Context) { d.daemon(ctx, cfg) })
	apps, err := d.cli.chosen(cfg)
	if err != nil {
		d.bad("app", err, "")
		return
	}
	for _, app := range apps {
		d.app(ctx, cfg, app, engine)
	}
}

func (d *doctor) configuration() *config.Config {
	cfg, err := d.cli.load()
	if err != nil {
		d.bad("configuration", err, "correct the file; verdigris config example shows every field")
		return nil
	}
	warnings, err := cfg.Preflight()
	for _, warning := range warnings {
		d.add(finding{What: "secret", Verdict: findingWarn, Detail: warning})
	}
	if err != nil {
		d.bad("configuration", err, "put the files and secrets where verdigris.yml says")
	} else {
		d.good("configuration", cfg.File)
	}
	return cfg
}

func (d *doctor) engine(ctx context.Context) *compose.Engine {
	engine, err := compose.Connect(ctx)
	if err != nil {
		d.bad("Docker Engine", err, "")
		return nil
	}
	info, err := engine.Info(ctx)
	if err != nil {
		d.bad("Docker Engine", err, "")
		engine.Close()
		return nil // whatever goes through it would not answer either
	}
	d.good("Docker Engine", fmt.Sprintf("%s, API %s, at %s", info.Version, info.API, info.Host))
	d.disk("disk of the Docker Engine", info.RootDir)
	return engine
}

func (d *doctor) add(f finding) { d.findings = append(d.findings, f) }
func (d *doctor) good(what, detail string) {
	d.add(finding{What: what, Verdict: findingGood, Detail: detail})
}

// bad takes the next step from the error where it has one.
func (d *doctor) bad(what string, err error, mend string) {
	if next := nextStep(err); next != "" {
		mend = next
	}
	d.add(finding{What: what, Verdict: findingBad, Detail: err.Error(), Mend: mend})
}

// check is good with the detail, or bad with the error.
func (d *doctor) check(what, detail string, err error, mend string) {
	if err != nil {
		d.bad(what, err, mend)
		return
	}
	d.good(what, detail)
}

func (d *doctor) sick() bool {
	for _, f := range d.findings {
		if f.Verdict == findingBad {
			return true
		}
	}
	return false
}

func (d *doctor) report() error {
	if d.cli.json {
		return d.cli.writeJSON(d.findings)
	}
	var failed error
	for _, f := range d.findings {
		_, err := fmt.Fprintf(d.cli.out, "%-8s %s: %s\n", f.Verdict, f.What, f.Detail)
		failed = errors.Join(failed, err)
		if f.Mend != "" {
			fmt.Fprintf(d.cli.out, "         mend it: %s\n", f.Mend)
		}
	}
	return failed
}
