package main

import (
	"github.com/spf13/cobra"

	"verdigris/deploy"
)

func (c *cli) switchCommand() *cobra.Command {
	var detach, dry bool
	cmd := &cobra.Command{
		Use:       "switch [blue|green]",
		Short:     "Move the traffic, and the data with it, to a slice; to the other one when none is named",
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: []string{"blue", "green"},
		RunE: func(cmd *cobra.Command, args []string) error {
			to, err := sliceOrNone(args)
			if err != nil {
				return err
			}
			api, err := c.client()
			if err != nil {
				return err
			}
			if dry {
				return c.dryRun(cmd.Context(), api, to)
			}
			d, err := api.switchTo(cmd.Context(), to)
			if err != nil {
				return err
			}
			return c.finish(cmd.Context(), api, d, detach)
		},
	}
	detachFlag(cmd, &detach)
	cmd.Flags().BoolVar(&dry, "dry-run", false, "say what would be done, and do nothing")
	return cmd
}

func sliceOrNone(args []string) (deploy.Slice, error) {
	if len(args) == 0 {
		return "", nil
	}
	return deploy.ParseSlice(args[0])
}
