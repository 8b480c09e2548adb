package main

import (
	"github.com/spf13/cobra"

	"verdigris/deploy"
)

const autoSlice = "auto"

func (c *cli) deployCommand() *cobra.Command {
	var (
		commit                   string
		rebuild, promote, detach bool
	)
	cmd := &cobra.Command{
		Use:   "deploy [blue|green|staging|auto]",
		Short: "Build and start a release on a slice; auto, the default, takes the idle one",
		Long: "Build and start a release on a slice, without moving the traffic unless --switch is given.\n" +
			"Without --commit it is the head of the app's branch.",
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: []string{"blue", "green", "staging", autoSlice},
		RunE: func(cmd *cobra.Command, args []string) error {
			slice, err := sliceOrAuto(args)
			if err != nil {
				return err
			}
			body := deployBody{Rebuild: rebuild, Promote: promote}
			if commit != "" {
				if body.Commit, err = deploy.ParseCommit(commit); err != nil {
					return err
				}
			}
			api, err := c.client()
			if err != nil {
				return err
			}
			d, err := api.deploy(cmd.Context(), slice, body)
			if err != nil {
				return err
			}
			return c.finish(cmd.Context(), api, d, detach)
		},
	}
	cmd.Flags().StringVar(&commit, "commit", "", "the full id of the commit to deploy")
	cmd.Flags().BoolVar(&rebuild, "rebuild", false, "build without the cache")
	cmd.Flags().BoolVar(&promote, "switch", false, "move the traffic when the slice is ready")
	detachFlag(cmd, &detach)
	return cmd
}

func sliceOrAuto(args []string) (string, error) {
	if len(args) == 0 || args[0] == autoSlice {
		return autoSlice, nil
	}
	slice, err := deploy.ParseSlice(args[0])
	return string(slice), err
}

func detachFlag(cmd *cobra.Command, detach *bool) {
	cmd.Flags().BoolVarP(detach, "detach", "d", false, "do not wait for the end")
}
