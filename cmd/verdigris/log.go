package main

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"verdigris/deploy"
)

// logOptions say how the daemon logs.
type logOptions struct{ format, level string }

func (o *logOptions) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.format, "log-format", "text", "text, for people, or json, for log collectors")
	cmd.Flags().StringVar(&o.level, "log-level", "info", "debug, info, warn or error")
}

func (o logOptions) logger(out io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.level)); err != nil {
		return nil, &deploy.InputError{Reason: fmt.Sprintf("--log-level is debug, info, warn or error, not %q", o.level)}
	}
	options := &slog.HandlerOptions{Level: level}
	switch o.format {
	case "text":
		return slog.New(slog.NewTextHandler(out, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(out, options)), nil
	}
	return nil, &deploy.InputError{Reason: fmt.Sprintf("--log-format is text or json, not %q", o.format)}
}
