package compose

import (
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
)

// helperSecret is what the credential helper of the tests gives for every registry.
const helperSecret = "secret-of-the-test"

// agentSocket is where the ssh agent of a test listens.
var agentSocket string

func TestMain(m *testing.M) {
	flag.Parse()
	sideBySide()
	dir, err := os.MkdirTemp("", "vt") // t.TempDir is too long for a unix socket
	if err == nil {
		err = surround(dir)
	}
	status := 1
	if err == nil {
		status = m.Run()
	} else {
		println(err.Error())
	}
	plugin.end()
	os.RemoveAll(dir)
	os.Exit(status)
}

// sideBySide has more tests run at once than there are processors, unless -parallel says how many: they wait for the
// Engine most of the time.
func sideBySide() {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		flag.Set("test.parallel", strconv.Itoa(3*runtime.GOMAXPROCS(0)))
	}
}

// surround gives the process what tests find in its environment: tests that change that of the process cannot run side
// by side.
func surround(dir string) error {
	helper := filepath.Join(dir, "docker-credential-vtest")
	script := `#!/bin/sh
[ "$1" = get ] && read -r host && printf '{"ServerURL": "%s", "Username": "tester", "Secret": "` + helperSecret + `"}' "$host"
`
	if err := os.WriteFile(helper, []byte(script), 0o755); err != nil {
		return err
	}
	agentSocket = filepath.Join(dir, "agent")
	for name, value := range map[string]string{
		"PATH":          dir + string(os.PathListSeparator) + os.Getenv("PATH"),
		"SSH_AUTH_SOCK": agentSocket,
		"PIN":           "of the daemon's own environment", // which no compose file may get to see
	} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	return nil
}
