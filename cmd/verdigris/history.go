package main

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"verdigris/deploy"
)

func (c *cli) historyCommand() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:   "history [deployment]",
		Short: "List the newest deployments, or show everything about one of them",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := c.client()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return c.showDeployment(cmd, api, args[0])
			}
			list, err := api.deployments(cmd.Context(), limit)
			if err != nil {
				return err
			}
			if c.json {
				return c.writeJSON(list)
			}
			return c.writeHistory(list)
		},
	}
	cmd.Flags().IntVarP(&limit, "limit", "n", 20, "how many")
	return cmd
}

func (c *cli) writeHistory(list []deploy.Deployment) error {
	rows := [][]string{{"ID", "KIND", "SLICE", "COMMIT", "STATE", "TOOK", "WHEN", "BY", "SUBJECT"}}
	for _, d := range list {
		rows = append(rows, []string{
			strconv.FormatInt(d.ID, 10), string(d.Kind), orDash(string(d.Slice)), short(d.Commit), string(d.State),
			took(d), ago(d.CreatedAt), by(d.Trigger), d.Subject,
		})
	}
	return c.writeTable(rows)
}

func took(d deploy.Deployment) string {
	if d.StartedAt.IsZero() || d.EndedAt.IsZero() {
		return "-"
	}
	return fmt.Sprintf("%.1f s", d.EndedAt.Sub(d.StartedAt).Seconds())
}

func by(t deploy.Trigger) string {
	if t.Who == "" {
		return t.By
	}
	return t.By + " " + t.Who
}

func (c *cli) showDeployment(cmd *cobra.Command, api *client, arg string) error {
	id, err := strconv.ParseInt(arg, 10, 64)
	if err != nil || id < 1 {
		return &deploy.InputError{Reason: fmt.Sprintf("%q is not the number of a deployment", arg)}
	}
	d, err := api.deployment(cmd.Context(), id)
	if refused := (*problemError)(nil); errors.As(err, &refused) && refused.Status == http.StatusNotFound {
		refused.Next = "verdigris history lists the newest ones"
	}
	if err != nil {
		return err
	}
	if c.json {
		return c.writeJSON(d)
	}
	fmt.Fprintf(c.out, "%s\n", headline(d))
	if d.Subject != "" {
		fmt.Fprintf(c.out, "%s\n", d.Subject)
	}
	fmt.Fprintf(c.out, "asked for by %s, %s\n", by(d.Trigger), ago(d.CreatedAt))
	for _, phase := range d.Phases {
		fmt.Fprintln(c.out, "  "+phaseLine(phase))
	}
	for _, service := range slices.Sorted(maps.Keys(d.Digests)) {
		fmt.Fprintf(c.out, "%s: %s\n", service, d.Digests[service])
	}
	if !d.State.Ended() {
		fmt.Fprintf(c.out, "%s\n", d.State)
		return nil
	}
	writeEnd(c.out, d, nil)
	return nil
}
