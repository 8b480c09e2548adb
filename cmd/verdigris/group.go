package main

import "github.com/spf13/cobra"

// group is a command that only has subcommands: without one it helps, and one that is misspelt is a mistake. A command
// of cobra's that cannot be run would help then too, and tell a script that all is well.
func group(use, short string, subcommands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(subcommands...)
	return cmd
}
