package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func TestEveryCommandFlagAndExitCodeIsInTheDocumentation(t *testing.T) {
	text, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	docs := string(text)
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Runnable() && !strings.Contains(docs, "`"+cmd.CommandPath()) && !strings.Contains(docs, ", `"+cmd.Name()) {
			t.Errorf("docs/cli.md does not name `%s`", cmd.CommandPath())
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if !strings.Contains(docs, "--"+f.Name) {
				t.Errorf("docs/cli.md does not name --%s of %s", f.Name, cmd.CommandPath())
			}
		})
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk((&cli{}).root())
	for _, code := range []int{exitOK, exitFailed, exitInput, exitConflict, exitNoDaemon, exitAborted, exitRolledBack, exitSuperseded, exitStuck, exitInterrupt} {
		if !regexp.MustCompile(fmt.Sprintf(`(?m)^\| %d \|`, code)).MatchString(docs) {
			t.Errorf("docs/cli.md does not explain exit code %d", code)
		}
	}
}
