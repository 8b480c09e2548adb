package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"verdigris/compose"
	"verdigris/config"
	"verdigris/deploy"
)

func (c *cli) upCommand() *cobra.Command {
	var reload bool
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Write the nginx configuration and start the shared services, of all apps or of --app",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.load()
			if err != nil {
				return err
			}
			apps, err := c.chosen(cfg)
			if err != nil {
				return err
			}
			return withEngine(cmd.Context(), func(engine *compose.Engine) error {
				for _, app := range apps {
					if err := c.up(cmd.Context(), cfg, app, engine, reload); err != nil {
						return inApp(app, err)
					}
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&reload, "reload-edge", false, "reload the edge when its configuration has changed, which closes idle connections")
	return cmd
}

// up starts one app's shared services. The router needs its files before it can start.
func (c *cli) up(ctx context.Context, cfg *config.Config, app *config.App, engine *compose.Engine, reload bool) error {
	p, err := assemble(cfg, app, engine, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		return err
	}
	edgeChanged := false
	if p.nginx != nil {
		prepared, err := p.nginx.Prepare(ctx)
		if err != nil {
			return err
		}
		edgeChanged = prepared.EdgeChanged
		if prepared.HoldLeft != nil {
			c.say(fmt.Sprintf("a cutover that was cut off could not be ended: %v", prepared.HoldLeft))
		}
	}
	if err := p.runtime.Attach(ctx, c.say); err != nil { // the shared files may name the networks
		return err
	}
	if len(app.Compose.Shared) > 0 {
		if err := p.runtime.UpShared(ctx, c.say); err != nil {
			return err
		}
	}
	if err := p.runtime.Attach(ctx, c.say); err != nil {
		return err
	}
	if err := c.awaitShared(ctx, p); err != nil {
		return err
	}
	for _, note := range wayNotes(app) {
		c.say("note: " + note)
	}
	switch {
	case edgeChanged && reload:
		if err := p.runtime.SharedContainer(app.Router.Edge.Service).Signal(ctx, "HUP"); err != nil {
			return fmt.Errorf("reload the edge: %w", err)
		}
	case edgeChanged:
		c.say("the edge's configuration has changed; verdigris up --reload-edge puts it in force and closes idle connections")
	}
	if c.json {
		return c.writeJSON(map[string]any{"app": app.Name, "project": app.Name + "-shared", "edge_changed": edgeChanged})
	}
	_, err = fmt.Fprintf(c.out, "the shared services of %s run\n", app.Name)
	return err
}

// say prints a line of progress; with --json that is left out.
func (c *cli) say(line string, _ ...deploy.Step) {
	if c.json {
		return
	}
	c.saying.Lock()
	defer c.saying.Unlock()
	fmt.Fprintln(c.out, "  "+line)
}
