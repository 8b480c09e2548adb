package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"verdigris/deploy"
)

func (c *cli) stopCommand() *cobra.Command {
	return &cobra.Command{
		Use:       "stop blue|green|staging",
		Short:     "Stop a slice that is not live; its volumes stay",
		Args:      cobra.ExactArgs(1),
		ValidArgs: []string{"blue", "green", "staging"},
		RunE: func(cmd *cobra.Command, args []string) error {
			slice, err := deploy.ParseSlice(args[0])
			if err != nil {
				return err
			}
			api, err := c.client()
			if err != nil {
				return err
			}
			if err := api.stop(cmd.Context(), slice); err != nil {
				return err
			}
			if c.json {
				return c.writeJSON(map[string]any{"stopped": slice})
			}
			fmt.Fprintf(c.out, "%s is stopped\n", slice)
			return nil
		},
	}
}
