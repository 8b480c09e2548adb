package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"verdigris/config"
	"verdigris/deploy"
)

// composeNames are what Compose looks for, best first (Compose specification, "Compose file").
var composeNames = []string{"compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"}

func (c *cli) initCommand() *cobra.Command {
	var (
		compose string
		force   bool
	)
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write verdigris.yml and the three compose files for an app that has one docker-compose.yml",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			file, err := filepath.Abs(c.configPath)
			if err != nil {
				return fmt.Errorf("find the folder of %s: %w", c.configPath, err)
			}
			plan := &initPlan{dir: filepath.Dir(file), file: file, compose: compose, app: c.app}
			if err := plan.make(cmd.Context()); err != nil {
				return err
			}
			if err := plan.write(force); err != nil {
				return err
			}
			return c.initialised(plan)
		},
	}
	cmd.Flags().StringVar(&compose, "compose", "", "the compose file to begin with; docker-compose.yml or another usual name when empty")
	cmd.Flags().BoolVar(&force, "force", false, "write over files that are there")
	return cmd
}

func (c *cli) initialised(p *initPlan) error {
	if c.json {
		return c.writeJSON(map[string]any{"app": p.app, "files": p.names(), "web": p.split.Web, "port": p.split.Port, "notes": p.split.Notes})
	}
	for _, name := range p.names() {
		fmt.Fprintf(c.out, "wrote %s\n", name)
	}
	fmt.Fprintf(c.out, "the service %s answers requests on port %d; the edge takes them on %d\n", p.split.Web, p.split.Port, p.split.Public)
	for _, note := range p.split.Notes {
		fmt.Fprintf(c.out, "check: %s\n", note)
	}
	push := ""
	if p.remote {
		push = "\n  git push"
	}
	_, err := fmt.Fprintf(c.out, `next:
  read the files, then
  git add docker-compose.blue.yml docker-compose.green.yml && git commit -m "Add the slices"%s
  verdigris config check
  verdigris up
  verdigris serve &
  verdigris deploy --switch
`, push)
	return err
}

// write puts the files into place: all of them, or none when one is there already.
func (p *initPlan) write(force bool) error {
	var there []string
	for _, f := range p.files {
		if _, err := os.Lstat(f.path); err == nil && !f.keep {
			there = append(there, filepath.Base(f.path))
		}
	}
	if len(there) > 0 && !force {
		return &deploy.HintedError{
			Err:  &deploy.ConflictError{Reason: "there already is " + strings.Join(there, ", ")},
			Next: "remove it, or write over it with --force",
		}
	}
	for _, f := range p.files {
		if _, err := os.Lstat(f.path); err == nil && f.keep {
			continue
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("look for %s: %w", f.path, err)
		}
		if err := writeFile(f.path, []byte(f.text), f.mode); err != nil {
			return err
		}
	}
	return nil
}

// readCompose reads the compose file that the app has.
func readCompose(dir, name string) ([]byte, error) {
	if name != "" {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, &deploy.InputError{Reason: fmt.Sprintf("read the compose file: %v", err)}
		}
		return text, nil
	}
	for _, name := range composeNames {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil {
			return text, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read the compose file: %w", err)
		}
	}
	return nil, &deploy.HintedError{
		Err:  &deploy.InputError{Reason: "there is no compose file in " + dir},
		Next: fmt.Sprintf("name it with --compose; for a configuration alone: verdigris config example > %s", config.FileName),
	}
}
