package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"verdigris/internal/testkit"
)

// built has the programs that all tests use, built once.
var built struct{ verdigris, gallery, misfit string }

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	flag.Parse()
	if testing.Short() {
		fmt.Fprintln(os.Stderr, "all end-to-end tests are left out under -short: they need Docker")
		return 0
	}
	if err := needs(); err != nil {
		if testkit.MaySkip() {
			fmt.Fprintf(os.Stderr, "SKIPPED ALL END-TO-END TESTS: %v\n", err)
			return 0
		}
		fmt.Fprintf(os.Stderr, "the end-to-end tests cannot run: %v\n", err)
		return 1
	}
	dir, err := os.MkdirTemp("", "verdigris-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := sites.close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func needs() error {
	for _, program := range []string{"docker", "docker-compose", "git", "go"} {
		if _, err := exec.LookPath(program); err != nil {
			return err
		}
	}
	for _, variable := range []string{"NGINX_IMAGE", "REDIS_IMAGE", "BASE_IMAGE"} {
		image := testkit.ImageName(variable)
		if err := exec.Command("docker", "image", "inspect", image).Run(); err != nil {
			return fmt.Errorf("the image %s is not there: run scripts/images.sh", image)
		}
	}
	return nil
}

// build builds the programs without what only a debugger needs: images of them are made and started all the time.
func build(dir string) error {
	built.verdigris = filepath.Join(dir, "verdigris")
	built.gallery = filepath.Join(dir, "gallery")
	built.misfit = filepath.Join(dir, "misfit")
	for _, b := range []struct{ out, in, pkg string }{
		{built.verdigris, "../..", "./cmd/verdigris"},
		{built.gallery, "../../examples/gallery", "."},
		{built.misfit, ".", "./misfit"},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, "go", "build", "-ldflags", "-s -w", "-o", b.out, b.pkg)
		cmd.Dir = b.in
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", b.pkg, err, out)
		}
	}
	return nil
}
