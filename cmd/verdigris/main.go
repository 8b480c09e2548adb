// Command verdigris deploys Docker Compose applications blue/green: a push becomes the idle slice, and the idle
// slice becomes the live one. `verdigris serve` is the daemon; the other commands talk to it.
//
// The package reads flags, joins the rooms of the house, and maps signals and exit codes. What a deployment is
// and how it goes is in package deploy.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal is not waited for.
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
