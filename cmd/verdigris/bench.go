package main

import (
	"time"

	"github.com/spf13/cobra"
)

func (c *cli) benchCommand() *cobra.Command {
	return group("bench", "Measure what the site's visitors notice", c.benchCutoverCommand())
}

// benchOptions are the flags of bench cutover.
type benchOptions struct {
	url       string
	anySite   bool
	get, post string
	socket    string

	clients, uploads, sockets int
	every                     time.Duration

	rounds int
	time   time.Duration
	pause  time.Duration
}

func (c *cli) benchCutoverCommand() *cobra.Command {
	o := &benchOptions{}
	cmd := &cobra.Command{
		Use:   "cutover",
		Short: "Switch and roll back while visitors who never try twice load the site, and tell what they noticed",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return c.benchCutover(cmd.Context(), o) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.url, "url", "", "where the site answers; the router's URL of the configuration when empty")
	flags.BoolVar(&o.anySite, "yes-load-this-site", false, "allow a --url that is neither on this machine nor the app's own")
	flags.StringVar(&o.get, "path", "/", "what the clients GET")
	flags.StringVar(&o.post, "post", "", "what every second client, and the uploaders, POST to; what they send stays in the app's data")
	flags.StringVar(&o.socket, "websocket-path", "", "where the websockets are")
	flags.IntVar(&o.clients, "clients", 16, "clients on kept connections")
	flags.IntVar(&o.uploads, "uploads", 0, "clients that POST bodies of 1 to 5 MB")
	flags.IntVar(&o.sockets, "websockets", 0, "clients that hold a websocket and ping")
	flags.DurationVar(&o.every, "every", 10*time.Millisecond, "the least time from one request of a client to the next")
	flags.IntVar(&o.rounds, "rounds", 5, "how many times to switch and roll back")
	flags.DurationVar(&o.time, "time", 0, "begin rounds for so long, however many that are")
	flags.DurationVar(&o.pause, "pause", 2*time.Second, "the time between cutovers, for comparison")
	return cmd
}
