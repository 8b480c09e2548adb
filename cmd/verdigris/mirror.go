package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"verdigris/deploy"
)

func (c *cli) mirrorCommand() *cobra.Command {
	var from string
	set := func(on bool) func(context.Context, *client) (deploy.Mirroring, error) {
		return func(ctx context.Context, api *client) (deploy.Mirroring, error) {
			return api.setMirroring(ctx, deploy.MirrorRequest{On: on, From: deploy.Slice(from)})
		}
	}
	ask := func(ctx context.Context, api *client) (deploy.Mirroring, error) { return api.mirroring(ctx) }
	on := c.mirrorSubcommand("on", "Let the standby follow from now on, over restarts too", set(true))
	on.Flags().StringVar(&from, "from", "", "blue or green: whose data is the right one, after the live redis came back with less than it had")
	return group("mirror", "Keep the standby's data in step with the live slice's, or see how that stands",
		on,
		c.mirrorSubcommand("off", "End the mirror, over restarts too; cutovers then copy", set(false)),
		c.mirrorSubcommand("status", "Show how the mirror stands", ask),
	)
}

func (c *cli) mirrorSubcommand(name, short string, do func(context.Context, *client) (deploy.Mirroring, error)) *cobra.Command {
	return &cobra.Command{
		Use:   name,
		Short: short,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			api, err := c.client()
			if err != nil {
				return err
			}
			m, err := do(cmd.Context(), api)
			if err != nil {
				return err
			}
			if c.json {
				return c.writeJSON(m)
			}
			c.writeMirror(m.On, m.Mirror)
			return nil
		},
	}
}

// writeMirror says how the mirror stands and, each on a line of its own, what else there is to know about the data.
func (c *cli) writeMirror(on bool, m deploy.MirrorStatus) {
	fmt.Fprintf(c.out, "mirror:  %s\n", mirrorLine(on, m))
	switch {
	case m.Fenced != "" && len(m.LeftMayWrite) > 0:
		fmt.Fprintf(c.out, "fence:   the redis of %s takes no writes of its app but to %s\n", m.Fenced, strings.Join(m.LeftMayWrite, ", "))
	case m.Fenced != "":
		fmt.Fprintf(c.out, "fence:   the redis of %s takes no writes of its app\n", m.Fenced)
	case m.Unfenced != "":
		fmt.Fprintf(c.out, "fence:   %s\n", m.Unfenced)
	}
	if m.Unseen != "" {
		fmt.Fprintf(c.out, "unseen:  %s\n", m.Unseen)
	}
	if s := m.Strays; s != nil && s.Count > 0 {
		fmt.Fprintf(c.out, "strays:  %s; %s\n", strayLine(*s), fateOfStrays(m.State))
	}
	if m.Kept != nil {
		fmt.Fprintf(c.out, "kept:    %s\n", m.Kept)
	}
}

func mirrorLine(on bool, m deploy.MirrorStatus) string {
	follows := fmt.Sprintf("%s follows %s", m.To, m.From)
	switch m.State {
	case deploy.MirrorConnecting:
		return follows + ", connecting"
	case deploy.MirrorCopying:
		return fmt.Sprintf("%s, copying: %d of %d keys", follows, m.Copied, m.Found)
	case deploy.MirrorInStep:
		return fmt.Sprintf("%s, in step, %.1f ms behind", follows, m.LagMS)
	case deploy.MirrorPaused:
		return fmt.Sprintf("%s waits to follow %s: %s%s", m.To, m.From, m.Reason, next(m.Next))
	case deploy.MirrorBroken:
		return fmt.Sprintf("%s does not follow %s: %s (tried again by itself)%s", m.To, m.From, m.Reason, next(m.Next))
	case deploy.MirrorImpossible:
		return fmt.Sprintf("not available, so that cutovers copy instead: %s%s", m.Reason, next(m.Next))
	}
	if on {
		return "on, and nothing to follow yet"
	}
	return "off: verdigris mirror on switches it on"
}

func next(text string) string {
	if text == "" {
		return ""
	}
	return "; " + text
}

// fateOfStrays says what became of writes on the slice that is not live.
func fateOfStrays(s deploy.MirrorState) string {
	if s == deploy.MirrorOff || s == deploy.MirrorImpossible {
		return "they count no more"
	}
	return "the live slice's values took their place"
}

func strayLine(s deploy.Strays) string {
	times := "once"
	if s.Count > 1 {
		times = fmt.Sprintf("%d times", s.Count)
	}
	return fmt.Sprintf("%s wrote %s to selected keys, %s: %s", s.Slice, times, ago(s.Last), strings.Join(s.Keys, ", "))
}
