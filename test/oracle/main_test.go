package oracle

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/docker/cli/cli/command"
	"github.com/docker/cli/cli/flags"
	"github.com/docker/compose/v5/pkg/api"
	sdk "github.com/docker/compose/v5/pkg/compose"
	"github.com/moby/moby/client"
	"github.com/sirupsen/logrus"

	"verdigris/compose"
)

// sdkVersion is the release of the SDK in go.mod. A program that is built from it says so by a linker flag.
const sdkVersion = "5.6.0"

// images are the ones that the corpus runs, by the variable that names them.
var images = map[string]string{
	"BASE_IMAGE":   "debian:trixie-slim",
	"NGINX_IMAGE":  "nginx:1.28",
	"REDIS_IMAGE":  "redis:8",
	"VALKEY_IMAGE": "valkey/valkey:8",
}

// Both sides, connected to the same engine.
var (
	docker client.APIClient
	theirs api.Compose
	ours   *compose.Engine
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	flag.Parse()
	// Much of the time is waiting, for the engine and for health.
	if err := flag.Set("test.parallel", "4"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := connect(context.Background()); err != nil {
		if os.Getenv("VERDIGRIS_SKIP_MISSING") == "1" {
			fmt.Fprintf(os.Stderr, "SKIPPED THE ORACLE: %v\n", err)
			return 0
		}
		fmt.Fprintf(os.Stderr, "the oracle cannot be asked: %v\n", err)
		return 1
	}
	defer ours.Close()
	unlock, err := takeTurn()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer unlock()
	return m.Run()
}

// takeTurn waits until no other run of the oracle is going on: the corpus asks for certain ports and subnets.
func takeTurn() (unlock func() error, err error) {
	file, err := os.OpenFile(filepath.Join(os.TempDir(), "verdigris-oracle.lock"), os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	return file.Close, syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
}

func connect(ctx context.Context) error {
	logrus.SetOutput(io.Discard)
	api.ComposeVersion = sdkVersion
	cli, err := command.NewDockerCli(command.WithCombinedStreams(io.Discard))
	if err != nil {
		return err
	}
	if err := cli.Initialize(flags.NewClientOptions()); err != nil {
		return err
	}
	docker = cli.Client()
	for variable := range images {
		if name := os.Getenv(variable); name != "" {
			images[variable] = name
		}
		if _, err := docker.ImageInspect(ctx, images[variable]); err != nil {
			return fmt.Errorf("image %s is missing: run scripts/images.sh --tests, and name its images in the environment: %w", images[variable], err)
		}
	}
	if theirs, err = sdk.NewComposeService(cli); err != nil {
		return err
	}
	ours, err = compose.Connect(ctx)
	return err
}
