package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"verdigris/compose"
	"verdigris/deploy"
)

func (c *cli) logsCommand() *cobra.Command {
	var (
		opts  deploy.LogOptions
		since string
	)
	cmd := &cobra.Command{
		Use:       "logs [blue|green|staging]",
		Short:     "Show what the containers of a slice print; of the live one when none is named",
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: []string{"blue", "green", "staging"},
		RunE: func(cmd *cobra.Command, args []string) error {
			slice, err := sliceOrNone(args)
			if err != nil {
				return err
			}
			if opts.Since, err = parseSince(since, time.Now()); err != nil {
				return err
			}
			return withEngine(cmd.Context(), func(engine *compose.Engine) error {
				return c.logs(cmd.Context(), engine, slice, opts)
			})
		},
	}
	flags := cmd.Flags()
	flags.BoolVarP(&opts.Follow, "follow", "f", false, "go on with what is printed from now on")
	flags.StringVar(&since, "since", "", "no older lines than this: a length of time, such as 10m, or a moment, such as 2026-11-20T12:00:00Z")
	flags.StringSliceVar(&opts.Services, "service", nil, "only these services")
	flags.IntVarP(&opts.Tail, "tail", "n", 0, "only so many lines of each container; 0 for all")
	flags.BoolVarP(&opts.Timestamps, "timestamps", "t", false, "with the time of each line")
	return cmd
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

func (c *cli) logs(ctx context.Context, engine *compose.Engine, slice deploy.Slice, opts deploy.LogOptions) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	app, err := cfg.App(c.app)
	if err != nil {
		return err
	}
	p := &parts{app: app, runtime: newRuntime(engine, app)}
	if slice == "" {
		if err := p.addRouter(cfg, slog.New(slog.NewTextHandler(io.Discard, nil))); err != nil {
			return err
		}
		route, err := p.router.Current(ctx)
		if err != nil {
			return err
		}
		if slice = route.Slice; slice == "" {
			return &deploy.ConflictError{Reason: "nothing is live yet", Next: "name the slice: verdigris logs blue"}
		}
	}
	err = p.runtime.Logs(ctx, slice, opts, c.logWriter())
	if ctx.Err() != nil {
		return nil // Ctrl-C is how following ends
	}
	return err
}

// logWriter writes lines as they are or, with --json, each as {"line": ...}.
func (c *cli) logWriter() io.Writer {
	if c.json {
		return jsonLines{json.NewEncoder(c.out)}
	}
	return c.out
}

type jsonLines struct{ out *json.Encoder }

// Write takes one line at a time, which is how the runtime writes them.
func (j jsonLines) Write(line []byte) (int, error) {
	text := string(line)
	if n := len(text); n > 0 && text[n-1] == '\n' {
		text = text[:n-1]
	}
	return len(line), j.out.Encode(map[string]string{"line": text})
}
