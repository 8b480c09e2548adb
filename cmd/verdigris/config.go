package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"verdigris/config"
)

func (c *cli) configCommand() *cobra.Command {
	return group("config", "Look at the configuration", c.configCheckCommand(), c.configExampleCommand())
}

func (c *cli) configCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Say everything that is wrong with the configuration, and whether its files and secrets are there",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := c.load()
			if err != nil {
				return err
			}
			warnings, err := cfg.Preflight()
			if !c.json {
				for _, warning := range warnings {
					fmt.Fprintf(c.err, "warning: %s\n", warning)
				}
			}
			if err != nil {
				return err
			}
			notes := []string{}
			for _, name := range cfg.Names() {
				notes = append(notes, wayNotes(cfg.Apps[name])...)
			}
			if c.json {
				return c.writeJSON(map[string]any{"file": cfg.File, "apps": cfg.Names(), "default_app": cfg.DefaultApp, "warnings": warnings, "notes": notes})
			}
			for _, note := range notes {
				fmt.Fprintf(c.err, "note: %s\n", note)
			}
			_, err = fmt.Fprintf(c.out, "%s is good: %s\n", cfg.File, strings.Join(cfg.Names(), ", "))
			return err
		},
	}
}

func (c *cli) configExampleCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "example",
		Short: "Print an annotated configuration with every field",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if c.json {
				return c.writeJSON(map[string]string{"example": config.Example})
			}
			_, err := fmt.Fprint(c.out, config.Example)
			return err
		},
	}
}
