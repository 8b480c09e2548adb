package main

import (
	"context"
	"io"
	"os"
	"sync"

	"github.com/spf13/cobra"

	"verdigris/config"
)

// cli holds the global flags and the streams. Commands are methods of it.
type cli struct {
	in       io.Reader
	out, err io.Writer

	configPath string
	app        string
	server     string
	tokenFile  string
	json       bool

	saying sync.Mutex // services that start at the same time speak at the same time

	// started tells mistakes in the command line from those of a command that ran.
	started bool
}

// run carries out one command line and returns the exit code.
func run(ctx context.Context, args []string, in io.Reader, out, err io.Writer) int {
	c := &cli{in: in, out: out, err: err}
	root := c.root()
	root.SetArgs(args)
	return c.exit(root.ExecuteContext(ctx))
}

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "verdigris",
		Short:         "Blue/green deployments for Docker Compose applications",
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRun: func(*cobra.Command, []string) {
			c.started = true
		},
	}
	root.SetIn(c.in)
	root.SetOut(c.out)
	root.SetErr(c.err)
	root.CompletionOptions.HiddenDefaultCmd = true
	flags := root.PersistentFlags()
	flags.StringVarP(&c.configPath, "config", "c", getenv("VERDIGRIS_CONFIG", config.FileName), "the configuration, a file or a folder (VERDIGRIS_CONFIG)")
	flags.StringVar(&c.app, "app", os.Getenv("VERDIGRIS_APP"), "the app; the default one when empty (VERDIGRIS_APP)")
	flags.BoolVar(&c.json, "json", false, "write JSON, one value a line where there are several")
	flags.StringVar(&c.server, "server", os.Getenv("VERDIGRIS_SERVER"), "the URL of a remote server; the local socket when empty (VERDIGRIS_SERVER)")
	flags.StringVar(&c.tokenFile, "token-file", "", "the file of the token for --server (or VERDIGRIS_TOKEN, the token itself)")
	root.AddCommand(c.commands()...)
	return root
}

func (c *cli) commands() []*cobra.Command {
	return []*cobra.Command{
		c.deployCommand(), c.switchCommand(), c.rollbackCommand(), c.statusCommand(), c.historyCommand(),
		c.stopCommand(), c.mirrorCommand(), c.logsCommand(), c.serveCommand(), c.upCommand(), c.initCommand(), c.configCommand(), c.doctorCommand(), c.tokenCommand(),
		c.hookCommand(), c.versionCommand(),
	}
}

// load reads the configuration.
func (c *cli) load() (*config.Config, error) { return config.Load(c.configPath) }

func getenv(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
