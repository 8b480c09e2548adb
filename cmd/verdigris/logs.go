package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"verdigris/compose"
	"verdigris/deploy"
)

// logsOf is what the log is asked of and how it is written.
type logsOf struct {
	deploy.LogOptions
	slice    deploy.Slice // empty for the live one
	shared   bool         // the services that the slices share, instead of a slice
	since    string
	noColor  bool
	noPrefix bool
}

// sharedName stands for the shared services where a slice can be named.
const sharedName = "shared"

func (c *cli) logsCommand() *cobra.Command {
	var of logsOf
	cmd := &cobra.Command{
		Use:       "logs [blue|green|staging|shared]",
		Short:     "Show what the containers of a slice, or the shared ones, print; of the live slice when none is named",
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: []string{"blue", "green", "staging", sharedName},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := of.parse(args, time.Now()); err != nil {
				return err
			}
			return withEngine(cmd.Context(), func(engine *compose.Engine) error {
				return c.logs(cmd.Context(), engine, of)
			})
		},
	}
	flags := cmd.Flags()
	flags.BoolVarP(&of.Follow, "follow", "f", false, "go on with what is printed from now on, by containers that start later too")
	flags.StringVar(&of.since, "since", "", "no older lines than this: a length of time, such as 10m, or a moment, such as 2026-11-20T12:00:00Z")
	flags.StringSliceVar(&of.Services, "service", nil, "only these services; may be given several times")
	flags.IntVarP(&of.Tail, "tail", "n", 0, "only so many lines of each container; 0 for all")
	flags.BoolVarP(&of.Timestamps, "timestamps", "t", false, "with the time of each line")
	flags.BoolVar(&of.noColor, "no-color", false, "no colours on a terminal (NO_COLOR)")
	flags.BoolVar(&of.noPrefix, "no-log-prefix", false, "the lines without the names of their containers")
	return cmd
}

// parse reads what the flags alone do not say.
func (of *logsOf) parse(args []string, now time.Time) (err error) {
	if of.Tail < 0 {
		return &deploy.InputError{Reason: fmt.Sprintf("--tail takes a number of lines, not %d", of.Tail)}
	}
	if of.Since, err = parseSince(of.since, now); err != nil {
		return err
	}
	if of.shared = slices.Equal(args, []string{sharedName}); of.shared {
		return nil
	}
	if of.slice, err = sliceOrNone(args); err != nil {
		return &deploy.HintedError{Err: err, Next: "name one of them, or shared for the services that they share"}
	}
	return nil
}

// parseSince reads a length of time before now, or a moment as RFC 3339 writes it.
func parseSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil {
		return now.Add(-d), nil
	}
	moment, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return moment, &deploy.InputError{Reason: fmt.Sprintf("--since takes a length of time, such as 10m, or a moment, such as 2026-11-20T12:00:00Z, not %q", text)}
	}
	return moment, nil
}

func (c *cli) logs(ctx context.Context, engine *compose.Engine, of logsOf) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	app, err := cfg.App(c.app)
	if err != nil {
		return err
	}
	p := &parts{app: app, runtime: newRuntime(engine, cfg, app)}
	if of.slice == "" && !of.shared {
		if err := p.addRouter(cfg, slog.New(slog.NewTextHandler(io.Discard, nil))); err != nil {
			return err
		}
		route, err := p.router.Current(ctx)
		if err != nil {
			return err
		}
		if of.slice = route.Slice; of.slice == "" {
			return &deploy.ConflictError{Reason: "nothing is live yet", Next: "name the slice: verdigris logs blue"}
		}
	}
	err = c.writeLog(ctx, p.runtime, of)
	if ctx.Err() != nil {
		return nil // Ctrl-C is how following ends
	}
	return err
}

// writeLog writes the log of a slice, or with an empty one of the shared services.
func (c *cli) writeLog(ctx context.Context, runtime *compose.Runtime, of logsOf) error {
	sources, err := runtime.LogSources(ctx, of.slice, of.Services)
	if err != nil {
		return err
	}
	if len(sources) == 0 && of.Follow {
		fmt.Fprintln(c.err, "there are no containers yet; their lines follow when they start")
	}
	return runtime.ReadLog(ctx, of.slice, of.LogOptions, c.logPrinter(of, sources))
}
