package main

import "github.com/spf13/cobra"

func (c *cli) rollbackCommand() *cobra.Command {
	var detach bool
	cmd := &cobra.Command{
		Use:   "rollback",
		Short: "Move the traffic, and the data with it, back to the previous slice",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			api, err := c.client()
			if err != nil {
				return err
			}
			d, err := api.rollback(cmd.Context())
			if err != nil {
				return err
			}
			return c.finish(cmd.Context(), api, d, detach)
		},
	}
	detachFlag(cmd, &detach)
	return cmd
}
