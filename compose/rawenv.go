package compose

import (
	"fmt"
	"io"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/docker/cli/pkg/kvfile"
)

// Env files of format raw are read as `docker run --env-file` reads its own: nothing is interpolated, and quotes belong to
// the value (Compose specification, env_file, format). compose-go leaves this format to its callers.
func init() {
	dotenv.RegisterFormat("raw", func(r io.Reader, filename string, into map[string]string, lookup func(string) (string, bool)) error {
		lines, err := kvfile.ParseFromReader(r, lookup)
		if err != nil {
			return fmt.Errorf("read env file %s: %w", filename, err)
		}
		for _, line := range lines {
			name, value, _ := strings.Cut(line, "=")
			into[name] = value
		}
		return nil
	})
}
