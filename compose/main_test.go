package compose

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"verdigris/internal/testkit"
)

// helperSecret is what the credential helper of the tests gives for every registry.
const helperSecret = "secret-of-the-test"

// tempDir is what the tests share; its path is short enough for the unix sockets in it, unlike that of t.TempDir.
var tempDir string

// agentSocket is where the ssh agent of a test listens.
func agentSocket() string { return filepath.Join(tempDir, "agent") }

func TestMain(m *testing.M) {
	testkit.SideBySide()
	os.Exit(run(m))
}

func run(m *testing.M) (status int) {
	var err error
	tempDir, err = os.MkdirTemp("", "vt")
	if err == nil {
		defer os.RemoveAll(tempDir)
		err = surround(tempDir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer endShared()
	return m.Run()
}

// endShared ends what tests have started for all.
func endShared() {
	if common.server != nil {
		common.server.stop()
	}
	plugin.end()
}

// surround gives the process what tests find in its environment: tests that change that of the process cannot run side
// by side.
func surround(dir string) error {
	helper := filepath.Join(dir, "docker-credential-vtest")
	script := `#!/bin/sh
[ "$1" = get ] || exit 1
read -r host
printf '{"ServerURL": "%s", "Username": "tester", "Secret": "` + helperSecret + `"}' "$host"
`
	if err := os.WriteFile(helper, []byte(script), 0o755); err != nil {
		return err
	}
	for name, value := range map[string]string{
		"PATH":          dir + string(os.PathListSeparator) + os.Getenv("PATH"),
		"SSH_AUTH_SOCK": agentSocket(),
		"PIN":           "of verdigris's own environment", // which no compose file gets to see
	} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	return nil
}
