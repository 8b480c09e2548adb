package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"verdigris/deploy"
)

func (c *cli) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show what is live, what runs and what waits",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			api, err := c.client()
			if err != nil {
				return err
			}
			status, err := api.status(cmd.Context())
			if err != nil {
				return err
			}
			if c.json {
				return c.writeJSON(status)
			}
			return c.writeStatus(status)
		},
	}
}

func (c *cli) writeStatus(s deploy.Status) error {
	rows := [][]string{{"SLICE", "ROLE", "RELEASE", "CONTAINERS", "ADDRESS"}}
	for _, slice := range s.Slices {
		rows = append(rows, []string{string(slice.Slice), role(s, slice.Slice), short(slice.Commit), containers(slice), addresses(slice)})
	}
	if err := c.writeTable(rows); err != nil {
		return err
	}
	if s.Live != "" {
		fmt.Fprintf(c.out, "router:  %s\n", routerLine(s.Router))
	}
	if s.Mirror != nil {
		c.writeMirror(s.Mirroring, *s.Mirror)
	}
	if s.Running != nil {
		fmt.Fprintf(c.out, "running: %s, in %s\n", headline(*s.Running), lastPhase(*s.Running))
	}
	for _, d := range s.Queued {
		fmt.Fprintf(c.out, "waiting: %s\n", headline(d))
	}
	if s.Last != nil {
		fmt.Fprintf(c.out, "last:    %s: %s, %s\n", headline(*s.Last), s.Last.State, ago(s.Last.EndedAt))
	}
	return nil
}

// routerLine says what the router itself answers, and who is at the addresses that it sends requests to.
func routerLine(r deploy.Routing) string {
	var at []string
	for _, o := range r.Endpoints {
		who := "none of this app's containers"
		if o.Container != "" {
			who = fmt.Sprintf("%s (%s)", o.Container, o.ID)
		}
		at = append(at, fmt.Sprintf("%s is %s", o.Address, who))
	}
	to := orDash(strings.Join(at, ", "))
	switch {
	case !r.Confirmed:
		return fmt.Sprintf("not certain: %s; verdigris goes on asking and repairing; %s", r.Reason, to)
	case r.Generation == 0:
		return "as its files say; " + to
	}
	return fmt.Sprintf("answers %s, configuration %d; %s", r.Slice, r.Generation, to)
}

func role(s deploy.Status, slice deploy.Slice) string {
	switch slice {
	case s.Live:
		return "live"
	case s.Previous:
		return "previous"
	case deploy.Staging:
		return "staging" // it never takes turns
	}
	return "idle"
}

func short(commit deploy.Commit) string {
	if commit == "" {
		return "-"
	}
	return commit.Short()
}

// containers sums up, e.g. "web running (healthy), worker exited".
func containers(s deploy.SliceStatus) string {
	var list []string
	for _, one := range s.Containers {
		text := one.Service + " " + one.State
		if one.Health != "" {
			text += " (" + one.Health + ")"
		}
		list = append(list, text)
	}
	return orDash(strings.Join(list, ", "))
}

func addresses(s deploy.SliceStatus) string {
	var list []string
	for _, e := range s.Endpoints {
		list = append(list, e.Address)
	}
	return orDash(strings.Join(list, " "))
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func lastPhase(d deploy.Deployment) deploy.Phase {
	if len(d.Phases) == 0 {
		return "the beginning"
	}
	return d.Phases[len(d.Phases)-1].Phase
}
